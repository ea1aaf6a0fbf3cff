// Inheritance, as libraries for Kubernetes use it: templates with hidden fields, maps that become lists, mixins.
local Object(apiVersion, kind, name) = {
  local this = self,
  apiVersion: apiVersion,
  kind: kind,
  metadata: { name: name, labels: { name: std.join('-', std.split(this.metadata.name, ':')) }, annotations: {} },
};
local named(map) = [{ name: key } + map[key] for key in std.objectFields(map)];
local Container(name) = {
  local container = self,
  name: name,
  image: error 'a container needs an image',
  env_:: {},
  env: [{ name: key, value: container.env_[key] } for key in std.objectFields(self.env_)],
  ports_:: {},
  ports: named(self.ports_),
};
local Deployment(name) = Object('apps/v1', 'Deployment', name) {
  local deployment = self,
  spec: {
    replicas: 1,
    selector: { matchLabels: deployment.metadata.labels },
    template: {
      metadata: { labels: deployment.metadata.labels, annotations: {} },
      spec: { containers_:: {}, containers: [self.containers_[key] for key in std.objectFields(self.containers_)] },
    },
  },
};
local Service(name) = Object('v1', 'Service', name) {
  local service = self,
  target_pod:: error 'a service needs pods',
  spec: {
    selector: service.target_pod.metadata.labels,
    ports: [{ name: port.name, port: port.containerPort } for port in service.target_pod.spec.containers[0].ports],
  },
};
local scaled(n) = { spec+: { replicas: n } };
local annotated(map) = { metadata+: { annotations+: map } };
local app(n) = {
  local name = 'app-%03d' % n,
  deployment: Deployment(name) + scaled(n % 5) + annotated({ owner: 'team-' + n % 10 }) {
    spec+: { template+: { spec+: { containers_+: {
      web: Container('web') { image: 'web:' + n, env_: { PORT: '8080', NAME: name }, ports_: { http: { containerPort: 8080 } } },
      side: Container('side') { image: 'side:1' },
    } } } },
  },
  service: Service(name) { target_pod: $.deployment.spec.template } + annotated({ prometheus: 'true' }),
};
{ ['app' + n]: app(n) for n in std.range(1, 200) }
