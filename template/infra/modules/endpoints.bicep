// The ways from the virtual network to what else is closed, and their names in private DNS.
param name string
param location string
param tags object
param subnet string

@description('For each: its name, the id of what it leads to, the service there, and its private DNS zones')
param targets array

resource endpoint 'Microsoft.Network/privateEndpoints@2024-07-01' = [for each in targets: {
  name: 'pep-${each.name}-${name}'
  location: location
  tags: tags
  properties: {
    subnet: { id: subnet }
    privateLinkServiceConnections: [
      {
        name: each.name
        properties: { privateLinkServiceId: each.id, groupIds: [each.service] }
      }
    ]
  }
}]

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-07-01' = [for (each, i) in targets: {
  parent: endpoint[i]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [for zone in each.zones: {
      name: replace(zone, '.', '-')
      properties: { privateDnsZoneId: resourceId('Microsoft.Network/privateDnsZones', zone) }
    }]
  }
}]
