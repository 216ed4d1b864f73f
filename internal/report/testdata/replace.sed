# sed -i -E -f replace.sed FILE...   (ids of Azure are compared without regard to case: I needs GNU sed)
s#/subscriptions/11111111-aaaa-4aaa-8aaa-000000000001/resourceGroups/dev/providers/Microsoft\.MachineLearningServices/workspaces/ws([^A-Za-z0-9_.-]|$)#/subscriptions/11111111-aaaa-4aaa-8aaa-000000000002/resourceGroups/prod/providers/Microsoft.MachineLearningServices/workspaces/ws\1#gI
s#/subscriptions/11111111-aaaa-4aaa-8aaa-000000000001/resourceGroups/dev/providers/Microsoft\.KeyVault/vaults/kv\.1([^A-Za-z0-9_.-]|$)#/subscriptions/11111111-aaaa-4aaa-8aaa-000000000002/resourceGroups/prod/providers/Microsoft.KeyVault/vaults/kv.1\1#gI
s#azureml://subscriptions/11111111-aaaa-4aaa-8aaa-000000000001/resourcegroups/dev/workspaces/ws([^A-Za-z0-9_.-]|$)#azureml://subscriptions/11111111-aaaa-4aaa-8aaa-000000000002/resourcegroups/prod/workspaces/ws\1#gI
s#https://old\.example/score\?a=1&b=2([^A-Za-z0-9_.-]|$)#https://new.example/score\1#gI
