# Second step: the resource blocks are back in the configuration, with the new subscription and group, and the state learns the new ids. terraform plan must show imports and nothing to destroy.
# The provider azurerm must look at the new subscription. It does not know endpoints, deployments and data assets: for those managed with azapi_resource, ids.json has the new ids.
# A private endpoint stays what it is; give it the new id of the resource that it leads to (private_connection_resource_id).

import {
  to = azurerm_key_vault.kv_1
  id = "/subscriptions/11111111-aaaa-4aaa-8aaa-000000000002/resourceGroups/prod/providers/Microsoft.KeyVault/vaults/kv.1"
}

import {
  to = azurerm_machine_learning_workspace.ws
  id = "/subscriptions/11111111-aaaa-4aaa-8aaa-000000000002/resourceGroups/prod/providers/Microsoft.MachineLearningServices/workspaces/ws"
}

import {
  to = azurerm_machine_learning_compute_cluster.c1
  id = "/subscriptions/11111111-aaaa-4aaa-8aaa-000000000002/resourceGroups/prod/providers/Microsoft.MachineLearningServices/workspaces/ws/computes/c1"
}

import {
  to = azurerm_machine_learning_compute_instance.ci
  id = "/subscriptions/11111111-aaaa-4aaa-8aaa-000000000002/resourceGroups/prod/providers/Microsoft.MachineLearningServices/workspaces/ws/computes/ci"
}

# not there: /subscriptions/11111111-aaaa-4aaa-8aaa-000000000002/resourceGroups/prod/providers/Microsoft.MachineLearningServices/workspaces/ws/computes/gpu

import {
  to = azurerm_machine_learning_datastore_datalake_gen2.lake
  id = "/subscriptions/11111111-aaaa-4aaa-8aaa-000000000002/resourceGroups/prod/providers/Microsoft.MachineLearningServices/workspaces/ws/dataStores/lake"
}

import {
  to = azurerm_management_lock.keep
  id = "/subscriptions/11111111-aaaa-4aaa-8aaa-000000000002/resourceGroups/prod/providers/Microsoft.MachineLearningServices/workspaces/ws/providers/Microsoft.Authorization/locks/keep"
}

import {
  to = azurerm_role_assignment.r-1
  id = "/subscriptions/11111111-aaaa-4aaa-8aaa-000000000002/resourceGroups/prod/providers/Microsoft.MachineLearningServices/workspaces/ws/providers/Microsoft.Authorization/roleAssignments/r-9"
}

import {
  to = azurerm_monitor_diagnostic_setting.logs
  id = "/subscriptions/11111111-aaaa-4aaa-8aaa-000000000002/resourceGroups/prod/providers/Microsoft.MachineLearningServices/workspaces/ws|logs"
}
