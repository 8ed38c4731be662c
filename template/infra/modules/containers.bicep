// Data and models of DVC, which nobody can overwrite or delete for a while, and what the service captures.
param account string

@description('Days for which files of DVC cannot be changed or deleted, not even by those who may write; 0: none')
@minValue(0)
@maxValue(146000)
param immutableDays int

@description('Identities that read data and models')
param readers string[]

@description('Identities that add data and models')
param writers string[]

@description('Identities that read captures')
param monitors string[]

@description('Identities that write captures')
param services string[]

var reader = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1')
var contributor = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'ba92f5b4-2d11-453d-a403-e96b0029c9fe')

resource storage 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: account
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' existing = {
  parent: storage
  name: 'default'
}

resource dvc 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: blobs
  name: 'dvc'
  properties: { publicAccess: 'None' }
}

// Unlocked: whoever manages the account can still end it. `az storage container immutability-policy lock` takes that away.
resource immutability 'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies@2025-01-01' = if (immutableDays > 0) {
  parent: dvc
  name: 'default'
  properties: {
    immutabilityPeriodSinceCreationInDays: immutableDays
    allowProtectedAppendWrites: false
  }
}

resource captures 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: blobs
  name: 'captures'
  properties: { publicAccess: 'None' }
}

resource dvcReaders 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in readers: {
  scope: dvc
  name: guid(dvc.id, principal, reader)
  properties: { roleDefinitionId: reader, principalId: principal, principalType: 'ServicePrincipal' }
}]

resource dvcWriters 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in writers: {
  scope: dvc
  name: guid(dvc.id, principal, contributor)
  properties: { roleDefinitionId: contributor, principalId: principal, principalType: 'ServicePrincipal' }
}]

resource capturesReaders 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in monitors: {
  scope: captures
  name: guid(captures.id, principal, reader)
  properties: { roleDefinitionId: reader, principalId: principal, principalType: 'ServicePrincipal' }
}]

resource capturesWriters 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in services: {
  scope: captures
  name: guid(captures.id, principal, contributor)
  properties: { roleDefinitionId: contributor, principalId: principal, principalType: 'ServicePrincipal' }
}]

output captures string = 'azure://${captures.name}'
output url string = 'azure://${dvc.name}'
