// Package acme gets relay's certificate from an authority and renews it (RFC 8555).
//
//  1. A step looks whether a certificate is due: there is none, it has other names, or a
//     third of its life is left, 30 days at most.
//  2. It notes in acme.json when the next step may ask, and then asks. So a relay that is
//     started again and again does not use up what the authority grants.
//  3. The authority wants a proof for each name: an answer on port 80 (HTTP-01, RFC 8555
//     §8.3), or in a TLS handshake on port 443 (TLS-ALPN-01, RFC 8737).
//  4. Chain and key are written to acme.pem, one file, so that they always fit together.
//  5. Every handshake that begins from then on uses it, whatever name the client sends.
//
// A handshake never waits for the authority. Until step 5 the old certificate stays, even
// an expired one. A crash between 2 and 4 leaves it too, and the next start waits until the
// noted time.
//
// autocert is not used: it asks the authority inside handshakes, again after each minute
// of failure, tells nobody why a renewal fails, and has no answer for clients that send
// no name.
package acme
