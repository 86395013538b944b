// Package setup is relay init, which prepares a machine to run relay.
//
//  1. Flags are checked before anything is written.
//  2. The configuration, the self-signed certificate, the DKIM key and the zone file are
//     written, each as a whole file. One that is there already is kept.
//  3. The first account is added, and its password is shown, only this once.
//
// A crash leaves whole files. Another run writes those that are missing; a password that
// was not shown is replaced with relay account credential add.
package setup
