package aml

// Credentialless reports whether connections of an authType have no credentials at all, as the service spells it (aml-contract 3).
func Credentialless(authType string) bool {
	return authType == "" || authType == "None" || authType == "AAD"
}
