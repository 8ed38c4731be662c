// Who may pull from and push to a registry, which may be that of another environment.
param registry string

param pullers string[]

param pushers string[]

var pull = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '7f951dda-4ed3-4680-a7ca-43fe172d538d')
var push = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '8311e382-0749-4cb8-b61a-304f252e45ec')

resource shared 'Microsoft.ContainerRegistry/registries@2025-04-01' existing = {
  name: registry
}

resource pulls 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in pullers: {
  scope: shared
  name: guid(shared.id, principal, pull)
  properties: { roleDefinitionId: pull, principalId: principal, principalType: 'ServicePrincipal' }
}]

resource pushes 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in pushers: {
  scope: shared
  name: guid(shared.id, principal, push)
  properties: { roleDefinitionId: push, principalId: principal, principalType: 'ServicePrincipal' }
}]
