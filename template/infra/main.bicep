// What one environment needs in Azure, in a resource group of its own. Yours are the parameter files beside this file.
targetScope = 'resourceGroup'

@description('The project: names of what is made start with it')
@minLength(1)
@maxLength(60)
param project string

@allowed(['dev', 'test', 'prod'])
param environmentName string

@description('What runs the image: an online endpoint of Azure ML, or a Kubernetes cluster')
@allowed(['azureml', 'kubernetes'])
param target string

param location string = resourceGroup().location

param tags object = {}

@description('Addresses that get alerts')
param emails string[] = []

@description('Who signs the tokens with which pipelines log in')
param issuer string = 'https://token.actions.githubusercontent.com'

@description('By identity (read, write, release, deploy, plan, apply), the subjects of such tokens; Azure compares them exactly')
param subjects object = {}

@description('For the first deployment, by an owner of the resource group: what the pipeline of this folder may do')
param owner bool = false

@description('Id of the registry of another environment, so that all run the same image; empty: makes one')
param registryId string = ''

@description('Replicas of the storage: in one zone, in several, or in a second region too')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param replication string = 'Standard_ZRS'

@description('Days for which nobody changes or deletes files of DVC; 0: none')
@minValue(0)
@maxValue(146000)
param immutableDays int = 0

@description('Days for which what was deleted from the storage can be brought back')
@minValue(7)
@maxValue(365)
param restoreDays int = 30

@description('Whether `read` reads captures, too: `factory monitor` on GitHub logs in as it, and so do pull requests')
param readCaptures bool = false

@description('Days for which logs are kept')
@minValue(30)
@maxValue(730)
param logDays int = 90

@description('Whether only a virtual network reaches storage, registry, vault and target')
param privateNetwork bool = false

@description('Addresses of that network, at least 1,024 of them')
param addressPrefix string = '10.40.0.0/16'

@description('Name of the online endpoint, once `factory deploy` has made it, for its logs and alerts; empty: none yet')
@maxLength(32)
param endpoint string = ''

@description('Namespace of the service in the cluster')
param namespace string = '${project}-${environmentName}'

@description('Machines of the cluster for jobs, or of the nodes')
param vmSize string = 'Standard_D4s_v5'

@minValue(1)
param minNodes int = 2

@minValue(1)
param maxNodes int = 4

@description('Availability zones of the nodes; empty where the region has none')
param zones string[] = []

@description('Free gives no guarantee for the API server of the cluster')
@allowed(['Free', 'Standard', 'Premium'])
param tier string = 'Standard'

@description('Groups of people that administer the cluster')
param admins string[] = []

@description('Addresses that may call the API server of the cluster; empty: all')
param callers string[] = []

var name = '${take(project, 28)}-${environmentName}'
var unique = uniqueString(resourceGroup().id)
var short = take(replace(project, '-', ''), 9)
var labels = union({ project: project, environment: environmentName }, tags)
var azureml = target == 'azureml'
var ownRegistry = empty(registryId)
var registryName = ownRegistry ? 'cr${short}${unique}' : last(split(registryId, '/'))
var registrySubscription = ownRegistry ? subscription().subscriptionId : split(registryId, '/')[2]
var registryGroup = ownRegistry ? resourceGroup().name : split(registryId, '/')[4]
var dns = {
  blob: 'privatelink.blob.${environment().suffixes.storage}'
  file: 'privatelink.file.${environment().suffixes.storage}'
  registry: 'privatelink${environment().suffixes.acrLoginServer}'
  vault: 'privatelink.vaultcore.azure.net'
  workspace: 'privatelink.api.azureml.ms'
  notebooks: 'privatelink.notebooks.azure.net'
}
// What `apply` may assign: the roles of the modules.
var assignable = [
  '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1' // Storage Blob Data Reader
  'ba92f5b4-2d11-453d-a403-e96b0029c9fe' // Storage Blob Data Contributor
  '7f951dda-4ed3-4680-a7ca-43fe172d538d' // AcrPull
  '8311e382-0749-4cb8-b61a-304f252e45ec' // AcrPush
  '4633458b-17de-408a-b874-0445c86b69e6' // Key Vault Secrets User
  'f6c7c914-8db3-469d-8ca1-694a8f32e121' // AzureML Data Scientist
  'a7ffa36f-339b-4b5c-8bdf-e2c188b2c0eb' // Azure Kubernetes Service RBAC Writer
  '4abbcc35-e782-43d8-92c5-2d3f1bd2253f' // Azure Kubernetes Service Cluster User Role
  '4d97b98b-1d4f-4787-a291-c67834d212e7' // Network Contributor
]

var puller = azureml ? machines.outputs.principalId : cluster!.outputs.puller
var closed = [
  { name: 'data', id: data.outputs.id, service: 'blob', zones: [dns.blob] }
  { name: 'vault', id: vault.outputs.id, service: 'vault', zones: [dns.vault] }
]
var closedRegistry = [{ name: 'registry', id: registry!.outputs.id, service: 'registry', zones: [dns.registry] }]
var closedWorkspace = [
  { name: 'jobs', id: jobs!.outputs.id, service: 'blob', zones: [dns.blob] }
  { name: 'files', id: jobs!.outputs.id, service: 'file', zones: [dns.file] }
  { name: 'workspace', id: workspace!.outputs.id, service: 'amlworkspace', zones: [dns.workspace, dns.notebooks] }
]

module pipelines 'modules/identities.bicep' = {
  name: 'identities'
  params: { name: name, location: location, tags: labels, issuer: issuer, subjects: subjects }
}

module pipelineRoles 'modules/pipeline-roles.bicep' = if (owner) {
  name: 'pipeline-roles'
  params: {
    plan: pipelines.outputs.principals.plan
    apply: pipelines.outputs.principals.apply
    assignable: assignable
  }
}

module service 'modules/identity.bicep' = {
  name: 'identity-service'
  params: {
    name: 'id-service-${name}'
    location: location
    tags: labels
    issuer: azureml ? '' : cluster!.outputs.issuer
    subjects: azureml ? [] : ['system:serviceaccount:${namespace}:model']
  }
}

module machines 'modules/identity.bicep' = {
  name: 'identity-machines'
  params: { name: 'id-machines-${name}', location: location, tags: labels, issuer: '', subjects: [] }
}

module logs 'modules/logs.bicep' = {
  name: 'logs'
  params: { name: name, location: location, tags: labels, retentionDays: logDays }
}

module network 'modules/network.bicep' = if (privateNetwork) {
  name: 'network'
  params: {
    name: name
    location: location
    tags: labels
    addressPrefix: addressPrefix
    zones: [dns.blob, dns.file, dns.registry, dns.vault, dns.workspace, dns.notebooks]
    joiners: azureml ? [] : [machines.outputs.principalId]
  }
}

module data 'modules/account.bicep' = {
  name: 'data'
  params: {
    name: 'st${short}${unique}'
    location: location
    tags: labels
    sku: replication
    restoreDays: restoreDays
    public: !privateNetwork
    writers: []
    logs: logs.outputs.id
  }
}

module containers 'modules/containers.bicep' = {
  name: 'containers'
  params: {
    account: data.outputs.name
    immutableDays: immutableDays
    readers: [
      pipelines.outputs.principals.read
      pipelines.outputs.principals.release
      pipelines.outputs.principals.deploy
    ]
    writers: azureml ? [pipelines.outputs.principals.write, machines.outputs.principalId] : [pipelines.outputs.principals.write]
    monitors: concat([pipelines.outputs.principals.write], readCaptures ? [pipelines.outputs.principals.read] : [])
    services: [service.outputs.principalId]
  }
}

module registry 'modules/registry.bicep' = if (ownRegistry) {
  name: 'registry'
  params: { name: registryName, location: location, tags: labels, public: !privateNetwork, logs: logs.outputs.id }
}

module registryRoles 'modules/registry-roles.bicep' = if (ownRegistry || owner) {
  name: 'registry-roles-${environmentName}'
  scope: resourceGroup(registrySubscription, registryGroup)
  params: {
    registry: ownRegistry ? registry!.outputs.name : registryName
    pullers: [
      pipelines.outputs.principals.deploy
      service.outputs.principalId
      puller
    ]
    pushers: [pipelines.outputs.principals.release]
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  params: {
    name: 'kv${short}${unique}'
    location: location
    tags: labels
    public: !privateNetwork
    readers: [service.outputs.principalId]
    logs: logs.outputs.id
  }
}

module jobs 'modules/account.bicep' = if (azureml) {
  name: 'jobs'
  params: {
    name: 'ml${short}${unique}'
    location: location
    tags: labels
    sku: replication
    restoreDays: restoreDays
    public: !privateNetwork
    writers: [machines.outputs.principalId, pipelines.outputs.principals.deploy]
    logs: logs.outputs.id
  }
}

module workspace 'modules/workspace.bicep' = if (azureml) {
  name: 'workspace'
  params: {
    name: name
    location: location
    tags: labels
    storage: jobs!.outputs.id
    vault: vault.outputs.id
    registry: ownRegistry ? registry!.outputs.id : registryId
    insights: logs.outputs.insights
    logs: logs.outputs.id
    public: !privateNetwork
    endpoint: endpoint
    jobs: machines.outputs.id
    deployers: [pipelines.outputs.principals.deploy]
    vmSize: vmSize
    maxNodes: maxNodes
  }
}

module cluster 'modules/cluster.bicep' = if (!azureml) {
  name: 'cluster'
  params: {
    name: name
    location: location
    tags: labels
    logs: logs.outputs.id
    private: privateNetwork
    subnet: privateNetwork ? network!.outputs.nodes : ''
    callers: callers
    identity: machines.outputs.id
    deployers: [pipelines.outputs.principals.deploy]
    admins: admins
    vmSize: vmSize
    minNodes: minNodes
    maxNodes: maxNodes
    zones: zones
    tier: tier
  }
}

module endpoints 'modules/endpoints.bicep' = if (privateNetwork) {
  name: 'endpoints'
  params: {
    name: name
    location: location
    tags: labels
    subnet: network!.outputs.endpoints
    targets: concat(closed, ownRegistry ? closedRegistry : [], azureml ? closedWorkspace : [])
  }
}

module monitor 'modules/monitor.bicep' = {
  name: 'monitor'
  params: {
    name: name
    tags: labels
    emails: emails
    account: data.outputs.id
    cluster: azureml ? '' : cluster!.outputs.id
    endpoint: azureml && !empty(endpoint) ? workspace!.outputs.endpoint : ''
  }
}

// In the terms of environments.yaml.
output environment object = {
  target: target
  registry: '${registryName}${environment().suffixes.acrLoginServer}/${project}'
  captures: [containers.outputs.captures]
  context: azureml ? '' : cluster!.outputs.name
  namespace: azureml ? '' : namespace
  subscription: subscription().subscriptionId
  resource_group: resourceGroup().name
  workspace: azureml ? workspace!.outputs.name : ''
  identity: pipelines.outputs.clients.deploy
}

// Of the remote of DVC.
output storage object = { url: containers.outputs.url, account_name: data.outputs.name }

// What pipelines log in with, as AZURE_CLIENT_ID.
output identities object = pipelines.outputs.clients

output vault string = vault.outputs.name
output service object = { resource_id: service.outputs.id, client_id: service.outputs.clientId }
