// A Kubernetes cluster without passwords: people and pipelines log in with Entra ID, and Azure's roles decide what they may do.
param name string
param location string
param tags object
param logs string

@description('Whether the API server is reached from the virtual network alone')
param private bool

@description('Subnet of the nodes; empty: one that Azure makes')
param subnet string

@description('Addresses that may call an API server that is not private; empty: all')
param callers string[]

@description('Id of what the cluster runs as')
param identity string

@description('Identities that deploy')
param deployers string[]

@description('Groups of people that administer the cluster')
param admins string[]

param vmSize string

@minValue(1)
param minNodes int

@minValue(1)
param maxNodes int

@description('Availability zones of the nodes; empty where the region has none')
param zones string[]

@description('Free gives no guarantee for the API server')
@allowed(['Free', 'Standard', 'Premium'])
param tier string

var writer = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'a7ffa36f-339b-4b5c-8bdf-e2c188b2c0eb')
var closed = { enablePrivateCluster: true, enablePrivateClusterPublicFQDN: false, disableRunCommand: true }
var open = { authorizedIPRanges: callers, disableRunCommand: true }
var user = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4abbcc35-e782-43d8-92c5-2d3f1bd2253f')

resource cluster 'Microsoft.ContainerService/managedClusters@2025-05-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Base', tier: tier }
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity}': {} }
  }
  properties: {
    dnsPrefix: name
    enableRBAC: true
    disableLocalAccounts: true
    aadProfile: { managed: true, enableAzureRBAC: true, adminGroupObjectIDs: admins }
    oidcIssuerProfile: { enabled: true }
    securityProfile: {
      workloadIdentity: { enabled: true }
      imageCleaner: { enabled: true, intervalHours: 48 }
    }
    apiServerAccessProfile: private ? closed : open
    networkProfile: {
      networkPlugin: 'azure'
      networkPluginMode: 'overlay'
      networkDataplane: 'cilium'
      networkPolicy: 'cilium'
      loadBalancerSku: 'standard'
    }
    autoUpgradeProfile: { upgradeChannel: 'patch', nodeOSUpgradeChannel: 'NodeImage' }
    addonProfiles: {
      azurepolicy: { enabled: true }
      azureKeyvaultSecretsProvider: {
        enabled: true
        config: { enableSecretRotation: 'true' } // pragma: allowlist secret
      }
    }
    agentPoolProfiles: [
      {
        name: 'nodes'
        mode: 'System'
        type: 'VirtualMachineScaleSets'
        osType: 'Linux'
        osSKU: 'AzureLinux'
        vmSize: vmSize
        vnetSubnetID: empty(subnet) ? null : subnet
        availabilityZones: zones
        enableAutoScaling: true
        count: minNodes
        minCount: minNodes
        maxCount: maxNodes
        maxPods: 110
        enableNodePublicIP: false
        upgradeSettings: { maxSurge: '33%' }
      }
    ]
  }
}

resource writers 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in deployers: {
  scope: cluster
  name: guid(cluster.id, principal, writer)
  properties: { roleDefinitionId: writer, principalId: principal, principalType: 'ServicePrincipal' }
}]

resource users 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in deployers: {
  scope: cluster
  name: guid(cluster.id, principal, user)
  properties: { roleDefinitionId: user, principalId: principal, principalType: 'ServicePrincipal' }
}]

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: cluster
  name: 'logs'
  properties: {
    workspaceId: logs
    logs: [
      { category: 'kube-audit-admin', enabled: true }
      { category: 'kube-apiserver', enabled: true }
      { category: 'guard', enabled: true }
    ]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

output id string = cluster.id
output name string = cluster.name
output issuer string = cluster.properties.oidcIssuerProfile.issuerURL
output puller string = cluster.properties.identityProfile.kubeletidentity.objectId
