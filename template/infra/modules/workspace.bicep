// The Azure ML workspace, and its cluster for jobs, which has no node while none runs. The online endpoint is made by
// `factory deploy`: a deployment from here would take its traffic away.
param name string
param location string
param tags object
param storage string
param vault string
param registry string
param insights string
param logs string

@description('Without it, only private endpoints reach the workspace')
param public bool

@description('Name of the online endpoint whose requests are logged; empty: none yet')
@maxLength(32)
param endpoint string

@description('What the nodes of the cluster run as')
param jobs string

@description('Identities that deploy and start jobs')
param deployers string[]

param vmSize string

@minValue(1)
param maxNodes int

var scientist = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'f6c7c914-8db3-469d-8ca1-694a8f32e121')

resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-06-01' = {
  name: name
  location: location
  tags: tags
  identity: { type: 'SystemAssigned' }
  properties: {
    friendlyName: name
    storageAccount: storage
    keyVault: vault
    containerRegistry: registry
    applicationInsights: insights
    systemDatastoresAuthMode: 'Identity'
    publicNetworkAccess: public ? 'Enabled' : 'Disabled'
    managedNetwork: { isolationMode: public ? 'Disabled' : 'AllowInternetOutbound' }
  }
}

resource compute 'Microsoft.MachineLearningServices/workspaces/computes@2025-06-01' = {
  parent: workspace
  name: 'cpu-cluster'
  location: location
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${jobs}': {} }
  }
  properties: {
    computeType: 'AmlCompute'
    disableLocalAuth: true
    properties: {
      vmSize: vmSize
      vmPriority: 'Dedicated'
      osType: 'Linux'
      enableNodePublicIp: public
      remoteLoginPortPublicAccess: 'Disabled'
      scaleSettings: {
        minNodeCount: 0
        maxNodeCount: maxNodes
        nodeIdleTimeBeforeScaleDown: 'PT5M'
      }
    }
  }
}

resource online 'Microsoft.MachineLearningServices/workspaces/onlineEndpoints@2025-06-01' existing = if (!empty(endpoint)) {
  parent: workspace
  name: empty(endpoint) ? 'none' : endpoint
}

resource deployments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in deployers: {
  scope: workspace
  name: guid(workspace.id, principal, scientist)
  properties: { roleDefinitionId: scientist, principalId: principal, principalType: 'ServicePrincipal' }
}]

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: workspace
  name: 'logs'
  properties: {
    workspaceId: logs
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

resource traffic 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (!empty(endpoint)) {
  scope: online
  name: 'logs'
  properties: {
    workspaceId: logs
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

output id string = workspace.id
output name string = workspace.name
output endpoint string = empty(endpoint) ? '' : online.id
