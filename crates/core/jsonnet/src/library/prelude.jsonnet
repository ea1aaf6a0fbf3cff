// The part of the library that is easier said in Jsonnet than in Rust.
{
  filterMap(filter_func, map_func, arr)::
    if !std.isFunction(filter_func) then
      error 'std.filterMap first param must be function, got ' + std.type(filter_func)
    else if !std.isFunction(map_func) then
      error 'std.filterMap second param must be function, got ' + std.type(map_func)
    else if !std.isArray(arr) then
      error 'std.filterMap third param must be array, got ' + std.type(arr)
    else std.map(map_func, std.filter(filter_func, arr)),

  lines(arr):: std.join('\n', arr + ['']),

  assertEqual(a, b)::
    local shown(value) = if std.isString(value) then std.escapeStringJson(value) else std.toString(value);
    a == b || error 'Assertion failed. ' + shown(a) + ' != ' + shown(b),

  flattenDeepArray(value)::
    if std.isArray(value) then std.flatMap(std.flattenDeepArray, value) else [value],

  deepJoin(arr)::
    if std.isString(arr) then arr
    else if std.isArray(arr) then std.join('', std.map(std.deepJoin, arr))
    else error 'Expected string or array, got ' + std.type(arr),

  objectValues(o):: [o[name] for name in std.objectFields(o)],
  objectValuesAll(o):: [o[name] for name in std.objectFieldsAll(o)],
  objectKeysValues(o):: [{ key: name, value: o[name] } for name in std.objectFields(o)],
  objectKeysValuesAll(o):: [{ key: name, value: o[name] } for name in std.objectFieldsAll(o)],

  resolvePath(f, r)::
    local names = std.split(f, '/');
    std.join('/', names[:std.length(names) - 1] + [r]),

  // What is null, and lists and objects that have nothing else.
  local hollow(value) =
    value == null || (std.isArray(value) || std.isObject(value)) && std.length(value) == 0,

  prune(a)::
    if std.isArray(a) then
      [item for item in std.map(std.prune, a) if !hollow(item)]
    else if std.isObject(a) then
      { [name]: std.prune(a[name]) for name in std.objectFields(a) if !hollow(std.prune(a[name])) }
    else a,

  mergePatch(target, patch)::
    if !std.isObject(patch) then patch
    else
      local base = if std.isObject(target) then target else {};
      local names = std.setUnion(std.objectFields(base), std.objectFields(patch));
      local removed(name) = std.objectHas(patch, name) && patch[name] == null;
      {
        [name]:
          if !std.objectHas(patch, name) then base[name]
          else std.mergePatch(if std.objectHas(base, name) then base[name] else null, patch[name])
        for name in names
        if !removed(name)
      },

  manifestIni(ini)::
    local lines(body) = std.flatMap(
      function(name)
        local value = body[name];
        [name + ' = ' + item for item in (if std.isArray(value) then value else [value])],
      std.objectFields(body)
    );
    local sections = std.flatMap(
      function(name) ['[' + name + ']'] + lines(ini.sections[name]),
      std.objectFields(ini.sections)
    );
    std.lines((if std.objectHas(ini, 'main') then lines(ini.main) else []) + sections),

  manifestPythonVars(conf)::
    std.lines([name + ' = ' + std.manifestPython(conf[name]) for name in std.objectFields(conf)]),

  manifestXmlJsonml(value)::
    if !std.isArray(value) then
      error 'Expected a JSONML value (an array), got ' + std.type(value)
    else
      local print(node) =
        if std.isString(node) then node
        else
          local attributed = std.length(node) > 1 && std.isObject(node[1]);
          local attributes = if attributed then node[1] else {};
          local pairs = [' ' + name + '="' + attributes[name] + '"' for name in std.objectFields(attributes)];
          '<' + node[0] + std.join('', pairs) + '>'
          + std.join('', [print(child) for child in node[if attributed then 2 else 1:]])
          + '</' + node[0] + '>';
      print(value),
}
