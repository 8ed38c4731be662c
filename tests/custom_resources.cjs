// custom_resources.cjs FOLDER FILE...: resources as JSON, by the schemas of Gateway API and Prometheus Operator that npm has in FOLDER
const fs = require("fs");

const models = `${process.argv[2]}/node_modules/@kubernetes-models`;
const kinds = {
  HTTPRoute: `${models}/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute.js`,
  PrometheusRule: `${models}/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule.js`,
  ServiceMonitor: `${models}/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor.js`,
};

for (const file of process.argv.slice(3)) {
  const resource = JSON.parse(fs.readFileSync(file, "utf8"));
  try {
    new (require(kinds[resource.kind])[resource.kind])(resource).validate();
  } catch (error) {
    console.error(`${file}: ${error.message}`);
    process.exitCode = 1;
  }
}
