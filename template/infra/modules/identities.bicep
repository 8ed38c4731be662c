// What pipelines log in as: an identity for each of their rights.
param name string
param location string
param tags object

@description('Who signs the tokens of the pipelines')
param issuer string

@description('By identity, the subjects that may log in as it')
param subjects object

var names = ['read', 'write', 'release', 'deploy', 'plan', 'apply']

module identity 'identity.bicep' = [for each in names: {
  name: 'identity-${each}'
  params: {
    name: 'id-${each}-${name}'
    location: location
    tags: tags
    issuer: issuer
    subjects: subjects[?each] ?? []
  }
}]

output clients object = {
  read: identity[0].outputs.clientId
  write: identity[1].outputs.clientId
  release: identity[2].outputs.clientId
  deploy: identity[3].outputs.clientId
  plan: identity[4].outputs.clientId
  apply: identity[5].outputs.clientId
}

output principals object = {
  read: identity[0].outputs.principalId
  write: identity[1].outputs.principalId
  release: identity[2].outputs.principalId
  deploy: identity[3].outputs.principalId
  plan: identity[4].outputs.principalId
  apply: identity[5].outputs.principalId
}
