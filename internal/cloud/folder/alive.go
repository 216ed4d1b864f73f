package folder

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"time"
)

// answerTime is how long a running cloud may take to shake hands.
const answerTime = 3 * time.Second

// Answers reports whether the cloud of a state is really there: something listens on its address and proves itself with a certificate of the folder's
// authority. A process id alone proves nothing: it may belong to a process that is just dying, or long since to somebody else.
func (s State) Answers(ctx context.Context) bool {
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		return false
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		return false
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
