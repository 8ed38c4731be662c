// What the pipeline of this folder may do here: plan as one identity, and apply as another. An owner deploys it, by hand.
param plan string
param apply string

@description('The roles that applying assigns; it can assign none beyond')
param assignable string[]

var reader = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'acdd72a7-3385-48ef-bd42-f606fba81ae7')
var contributor = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'b24988ac-6180-42a0-ab88-20f7382dd24c')
var assigner = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'f58310d9-a9f6-439a-9e8d-f62e7b41a168')
var here = resourceGroup().id
var ids = join(assignable, ', ')
var writes = '!(ActionMatches{\'Microsoft.Authorization/roleAssignments/write\'})'
var deletes = '!(ActionMatches{\'Microsoft.Authorization/roleAssignments/delete\'})'
var asked = '@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${ids}}'
var held = '@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${ids}}'

resource planning 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(here, 'planning')
  properties: {
    roleName: 'Plan deployments to ${resourceGroup().name} (${uniqueString(resourceGroup().id)})'
    description: 'Finds out what a deployment would change, and changes nothing.'
    type: 'CustomRole'
    assignableScopes: [here]
    permissions: [
      {
        actions: ['Microsoft.Resources/deployments/whatIf/action', 'Microsoft.Resources/deployments/validate/action']
        notActions: []
      }
    ]
  }
}

resource plans 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(here, plan, 'planning')
  properties: { roleDefinitionId: planning.id, principalId: plan, principalType: 'ServicePrincipal' }
}

resource reads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(here, plan, reader)
  properties: { roleDefinitionId: reader, principalId: plan, principalType: 'ServicePrincipal' }
}

resource applies 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(here, apply, contributor)
  properties: { roleDefinitionId: contributor, principalId: apply, principalType: 'ServicePrincipal' }
}

resource assigns 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(here, apply, assigner)
  properties: {
    roleDefinitionId: assigner
    principalId: apply
    principalType: 'ServicePrincipal'
    condition: '((${writes}) OR (${asked})) AND ((${deletes}) OR (${held}))'
    conditionVersion: '2.0'
  }
}
