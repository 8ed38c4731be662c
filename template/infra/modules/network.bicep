// A virtual network with private DNS: one subnet for the private endpoints, one for the nodes of a cluster.
param name string
param location string
param tags object

@description('Addresses of the network, with at least 1,024 of them')
param addressPrefix string

@description('Private DNS zones')
param zones string[]

@description('Identities whose nodes join the subnet for nodes')
param joiners string[]

var joiner = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4d97b98b-1d4f-4787-a291-c67834d212e7')

resource closed 'Microsoft.Network/networkSecurityGroups@2024-07-01' = {
  name: 'nsg-${name}'
  location: location
  tags: tags
  properties: {
    securityRules: [
      {
        name: 'nothing-from-the-internet'
        properties: {
          priority: 4000
          direction: 'Inbound'
          access: 'Deny'
          protocol: '*'
          sourceAddressPrefix: 'Internet'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '*'
        }
      }
    ]
  }
}

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: 'vnet-${name}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    subnets: [
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 24, 0)
          networkSecurityGroup: { id: closed.id }
          privateEndpointNetworkPolicies: 'Enabled'
        }
      }
      {
        name: 'nodes'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 23, 1)
          networkSecurityGroup: { id: closed.id }
        }
      }
    ]
  }
}

resource nodes 'Microsoft.Network/virtualNetworks/subnets@2024-07-01' existing = {
  parent: network
  name: 'nodes'
}

resource joins 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in joiners: {
  scope: nodes
  name: guid(nodes.id, principal, joiner)
  properties: { roleDefinitionId: joiner, principalId: principal, principalType: 'ServicePrincipal' }
}]

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = [for each in zones: {
  name: each
  location: 'global'
  tags: tags
}]

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [for (each, i) in zones: {
  parent: zone[i]
  name: 'vnet-${name}'
  location: 'global'
  properties: {
    registrationEnabled: false
    virtualNetwork: { id: network.id }
  }
}]

output endpoints string = network.properties.subnets[0].id
output nodes string = nodes.id
