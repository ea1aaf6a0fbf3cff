// Arithmetic: a sum over a list, a recursion, a comprehension with a condition.
local sum(list) = std.foldl(function(a, b) a + b, list, 0);
local fib(n) = if n < 2 then n else fib(n - 1) + fib(n - 2);
local gcd(a, b) = if b == 0 then a else gcd(b, a % b);
{
  sum: sum(std.range(1, 20000)),
  fib: fib(18),
  squares: sum([x * x for x in std.range(1, 5000) if x % 3 == 1]),
  gcd: sum([gcd(x, 360) for x in std.range(1, 1000)]),
}
