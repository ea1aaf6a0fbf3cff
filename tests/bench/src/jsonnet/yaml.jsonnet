// A large structure, printed by the library.
local container(n) = {
  name: 'c' + n,
  image: 'registry.example.com/team/app:%d.%d' % [n, n % 7],
  env: [{ name: 'VAR_' + i, value: 'value ' + i } for i in std.range(1, 8)],
  ports: [{ containerPort: 8000 + n, name: 'http' }],
  resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '128Mi' } },
};
local deployment(n) = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web-' + n, labels: { app: 'web', index: std.toString(n) } },
  spec: { replicas: n % 4, template: { spec: { containers: [container(i) for i in std.range(1, 3)] } } },
};
std.manifestYamlDoc([deployment(n) for n in std.range(1, 100)], indent_array_in_object=true)
