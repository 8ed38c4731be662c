// An identity without a key. What may log in as it is named by issuer and subject, which Azure compares exactly.
param name string
param location string
param tags object

@description('Who signs the tokens of the subjects')
param issuer string

param subjects string[]

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

@batchSize(1) // Azure refuses two at a time
resource trust 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2024-11-30' = [for subject in subjects: {
  parent: identity
  name: 'trust-${uniqueString(issuer, subject)}'
  properties: {
    issuer: issuer
    subject: subject
    audiences: ['api://AzureADTokenExchange']
  }
}]

output id string = identity.id
output clientId string = identity.properties.clientId
output principalId string = identity.properties.principalId
