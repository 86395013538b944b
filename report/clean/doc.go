// Package clean takes addresses that no longer work off a mailing list, CSV or plain.
//
//  1. The first 256 KiB tell the encoding, the separator, the line ends and the column
//     with the addresses. What is no list of text is refused, with what to do.
//  2. Records go by one at a time. Those whose addresses are all to be removed go into
//     the file of removals, as line, address, reason and date; all others are written
//     as they are, octet for octet.
//  3. A record that names an address to be removed beside others stays, and is counted.
//
// Memory holds one record, the addresses to be removed, and with Dedupe a hash of each
// address. The package opens no files: a crash leaves what the caller's writers leave.
package clean
