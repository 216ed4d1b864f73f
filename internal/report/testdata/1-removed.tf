# Terraform 1.7 or newer, first step: the state forgets the old ids, and nothing is destroyed. Put the name that your configuration has for each resource in the place of the last word of its
# address, take the resource blocks themselves out of the configuration for this step, and terraform apply. Then delete this file.

# was /subscriptions/11111111-aaaa-4aaa-8aaa-000000000001/resourceGroups/dev/providers/Microsoft.KeyVault/vaults/kv.1
removed {
  from = azurerm_key_vault.kv_1

  lifecycle {
    destroy = false
  }
}

# was /subscriptions/11111111-aaaa-4aaa-8aaa-000000000001/resourceGroups/dev/providers/Microsoft.MachineLearningServices/workspaces/ws
removed {
  from = azurerm_machine_learning_workspace.ws

  lifecycle {
    destroy = false
  }
}

# was /subscriptions/11111111-aaaa-4aaa-8aaa-000000000001/resourceGroups/dev/providers/Microsoft.MachineLearningServices/workspaces/ws/computes/c1
removed {
  from = azurerm_machine_learning_compute_cluster.c1

  lifecycle {
    destroy = false
  }
}

# was /subscriptions/11111111-aaaa-4aaa-8aaa-000000000001/resourceGroups/dev/providers/Microsoft.MachineLearningServices/workspaces/ws/computes/ci
removed {
  from = azurerm_machine_learning_compute_instance.ci

  lifecycle {
    destroy = false
  }
}

# was /subscriptions/11111111-aaaa-4aaa-8aaa-000000000001/resourceGroups/dev/providers/Microsoft.MachineLearningServices/workspaces/ws/computes/gpu
removed {
  from = azurerm_machine_learning_compute_cluster.gpu

  lifecycle {
    destroy = false
  }
}

# was /subscriptions/11111111-aaaa-4aaa-8aaa-000000000001/resourceGroups/dev/providers/Microsoft.MachineLearningServices/workspaces/ws/datastores/lake
removed {
  from = azurerm_machine_learning_datastore_datalake_gen2.lake

  lifecycle {
    destroy = false
  }
}

# was /subscriptions/11111111-aaaa-4aaa-8aaa-000000000001/resourceGroups/dev/providers/Microsoft.MachineLearningServices/workspaces/ws/providers/Microsoft.Authorization/locks/keep
removed {
  from = azurerm_management_lock.keep

  lifecycle {
    destroy = false
  }
}

# was /subscriptions/11111111-aaaa-4aaa-8aaa-000000000001/resourceGroups/dev/providers/Microsoft.MachineLearningServices/workspaces/ws/providers/Microsoft.Authorization/roleAssignments/r-1
removed {
  from = azurerm_role_assignment.r-1

  lifecycle {
    destroy = false
  }
}

# was /subscriptions/11111111-aaaa-4aaa-8aaa-000000000001/resourceGroups/dev/providers/Microsoft.MachineLearningServices/workspaces/ws/providers/Microsoft.Insights/diagnosticSettings/logs
removed {
  from = azurerm_monitor_diagnostic_setting.logs

  lifecycle {
    destroy = false
  }
}
