// Package logline gives the relay's log the shapes that other programs read.
//
// Postfix is the one that tools for Postfix's log know: pflogsumm, logwatch,
// fail2ban, exporters. The stable events of smtp and mailer become the lines that
// Postfix would write of the same, under its name, with the spool's ID as queue
// ID; everything else becomes a line of the relay's own, which those tools pass
// over. A record is one write, however many lines it makes.
//
// Journal is for a stream that goes into systemd's journal: each line carries its
// priority, as sd-daemon(3) has it, and no time, which the journal adds.
package logline
