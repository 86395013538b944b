// Package check is relay check, which finds problems of a relay and says how to fix them.
//
//  1. It reads the configuration, and ends here if that is not valid.
//  2. It starts the checks of the DNS and of the way out, which wait for the network.
//  3. Meanwhile it asks the running relay for its health, or opens the store read-only.
//  4. It tries the listeners and reads the certificate.
//  5. It measures the machine: disk, open files, clock.
//
// It changes nothing. A crash can leave the copy of the store that --store proves, which
// the next check removes.
package check
