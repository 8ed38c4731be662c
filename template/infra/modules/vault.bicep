// A key vault for secrets of the service; the Azure ML workspace keeps its own there, too.
param name string
param location string
param tags object

@description('Without it, only private endpoints reach the vault')
param public bool

@description('Identities that read secrets')
param readers string[]

param logs string

var reader = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4633458b-17de-408a-b874-0445c86b69e6')

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
    publicNetworkAccess: public ? 'Enabled' : 'Disabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: public ? 'Allow' : 'Deny'
    }
  }
}

resource secretsReaders 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in readers: {
  scope: vault
  name: guid(vault.id, principal, reader)
  properties: { roleDefinitionId: reader, principalId: principal, principalType: 'ServicePrincipal' }
}]

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: vault
  name: 'logs'
  properties: {
    workspaceId: logs
    logs: [{ categoryGroup: 'audit', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

output id string = vault.id
output name string = vault.name
