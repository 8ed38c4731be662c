// Who is written to, and when. What the model's requests and rows look like is watched by `factory monitor`.
param name string
param tags object

@description('Addresses that get the alerts')
param emails string[]

@description('Storage account of data and models')
param account string

@description('The cluster; empty: none')
param cluster string

@description('The online endpoint; empty: none')
param endpoint string

var here = resourceGroup().id

resource team 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${name}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'model'
    enabled: true
    emailReceivers: [for (email, i) in emails: {
      name: 'email-${i}'
      emailAddress: email
      useCommonAlertSchema: true
    }]
  }
}

resource unavailable 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'storage-unavailable-${name}'
  location: 'global'
  tags: tags
  properties: {
    description: 'Requests to the storage of data and models fail.'
    severity: 2
    enabled: true
    scopes: [account]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'availability'
          metricName: 'Availability'
          timeAggregation: 'Average'
          operator: 'LessThan'
          threshold: 99
        }
      ]
    }
    actions: [{ actionGroupId: team.id }]
  }
}

resource failing 'Microsoft.Insights/metricAlerts@2018-03-01' = if (!empty(endpoint)) {
  name: 'endpoint-failing-${name}'
  location: 'global'
  tags: tags
  properties: {
    description: 'The online endpoint answers requests with errors of the server.'
    severity: 1
    enabled: true
    scopes: [endpoint]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'errors'
          metricName: 'RequestsPerMinute'
          dimensions: [{ name: 'statusCodeClass', operator: 'Include', values: ['5xx'] }]
          timeAggregation: 'Average'
          operator: 'GreaterThan'
          threshold: 1
        }
      ]
    }
    actions: [{ actionGroupId: team.id }]
  }
}

resource full 'Microsoft.Insights/metricAlerts@2018-03-01' = if (!empty(cluster)) {
  name: 'nodes-full-${name}'
  location: 'global'
  tags: tags
  properties: {
    description: 'The memory of the nodes runs out; the cluster may have reached its largest size.'
    severity: 2
    enabled: true
    scopes: [cluster]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'memory'
          metricName: 'node_memory_working_set_percentage'
          timeAggregation: 'Average'
          operator: 'GreaterThan'
          threshold: 90
        }
      ]
    }
    actions: [{ actionGroupId: team.id }]
  }
}

resource granted 'Microsoft.Insights/activityLogAlerts@2020-10-01' = {
  name: 'role-granted-${name}'
  location: 'global'
  tags: tags
  properties: {
    description: 'Somebody was given a role here.'
    enabled: true
    scopes: [here]
    condition: {
      allOf: [
        { field: 'category', equals: 'Administrative' }
        { field: 'operationName', equals: 'Microsoft.Authorization/roleAssignments/write' }
        { field: 'status', equals: 'Succeeded' }
      ]
    }
    actions: { actionGroups: [{ actionGroupId: team.id }] }
  }
}
