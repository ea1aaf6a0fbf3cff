// Texts: joined, split, replaced, formatted, and built letter by letter.
local words = ['word' + n for n in std.range(1, 2000)];
local text = std.join(' ', words);
local repeat(s, n) = if n == 0 then '' else s + repeat(s, n - 1);
{
  length: std.length(text),
  upper: std.length(std.asciiUpper(text)),
  split: std.length(std.split(text, ' ')),
  replaced: std.length(std.strReplace(text, 'word', 'w')),
  lines: std.lines(['%05d: %s' % [n, words[n]] for n in std.range(0, 999)]),
  letters: std.join('', [std.char(std.codepoint('a') + n % 26) for n in std.range(0, 4999)]),
  repeated: std.length(repeat('ab', 400)),
  md5: std.md5(text),
  base64: std.length(std.base64(text)),
  folded: std.foldl(function(a, b) a + '-' + b, words[0:500], ''),
}
