package metrics

import "github.com/prometheus/client_golang/prometheus"

// family is a metric with its help, in the order of the documentation.
type family struct {
	name, help string
	kind       string // counter, gauge or histogram
	labels     []string
	desc       *prometheus.Desc
}

func one(name, kind, help string, labels ...string) *family {
	return &family{name, help, kind, labels, prometheus.NewDesc(name, help, labels, nil)}
}

const (
	counter   = "counter"
	gauge     = "gauge"
	histogram = "histogram"
)

// What relay exports, beside the go_ and process_ metrics of every Go program.
var (
	build = one("relay_build_info", gauge, "The version that runs; the value is always 1.", "version")

	intakeMessages   = one("relay_intake_messages_total", counter, "Messages taken from clients.")
	intakeRecipients = one("relay_intake_recipients_total", counter, "E-mails taken from clients: the recipients of their messages.")
	intakeBytes      = one("relay_intake_bytes_total", counter, "Octets of the messages taken from clients, each message once.")
	refusals         = one("relay_smtp_refusals_total", counter, "Replies of class 4 and 5 to clients, by code and enhanced code.", "reply")
	connections      = one("relay_smtp_connections", gauge, "Connections of clients.")
	connectionsLimit = one("relay_smtp_connections_limit", gauge, "Connections of clients that may be open.")
	loginsWaiting    = one("relay_smtp_logins_waiting", gauge, "Strangers' logins whose password waits to be checked.")

	backMessages    = one("relay_backmail_messages_total", counter, "Messages taken that came back, by the address at [bounce] domain: b is that of one e-mail's own reverse-path.", "address")
	backRefusals    = one("relay_backmail_refusals_total", counter, "Replies of class 4 and 5 to hosts that bring mail back.", "reply")
	backConnections = one("relay_backmail_connections", gauge, "Connections of hosts that bring mail back.")

	queueMessages   = one("relay_queue_messages", gauge, "Messages in the queue by age: 10m is up to ten minutes, 1h from there up to an hour, and so on; more is over three days.", "age")
	queueRecipients = one("relay_queue_recipients", gauge, "E-mails in the queue.")
	queueBytes      = one("relay_queue_bytes", gauge, "Octets of the messages in the queue.")
	queueOldest     = one("relay_queue_oldest_seconds", gauge, "Age of the oldest message in the queue; 0: it is empty.")

	attempts      = one("relay_delivery_attempts_total", counter, "Attempts to deliver an e-mail, by what became of it and by provider; other is all without a row of its own, none is mail given up without an attempt.", "outcome", "provider")
	latency       = one("relay_delivery_latency_seconds", histogram, "Time from the acceptance of an e-mail to its delivery.")
	hops          = one("relay_delivery_connections", gauge, "Connections to next hops, open or being made.")
	hopsLimit     = one("relay_delivery_connections_limit", gauge, "Connections to next hops that may be open.")
	hopsWaiting   = one("relay_delivery_accounts_waiting", gauge, "Accounts with mail for which only a connection is missing.")
	lanes         = one("relay_delivery_lanes", gauge, "Accounts' queues to a domain that the schedule has in hand.")
	sites         = one("relay_delivery_sites", gauge, "Sites that are known: open, down after failures, or stopped by what they said.", "state")
	scheduleUp    = one(UpName, gauge, "1: the schedule of deliveries answered this scrape; 0: its gauges are missing.")
	cameBack      = one("relay_returns_total", counter, "Bounces and complaints that came back, by whether they counted (counted), or why they did not.", "kind", "effect")
	commit        = one("relay_store_commit_seconds", histogram, "Time that a commit of the store takes on the disk.")
	commitBatch   = one("relay_store_commit_requests", histogram, "Requests that a commit of the store has.")
	commitReruns  = one("relay_store_commit_reruns_total", counter, "Batches that had to run again because one request failed.")
	commitWaiting = one("relay_store_requests_waiting", gauge, "Requests that wait for the next commit.")
	storeFile     = one("relay_store_file_bytes", gauge, "Size of the store's file.")
	storeFree     = one("relay_store_free_bytes", gauge, "Of the store's file, what is free for use.")
	diskFree      = one("relay_store_disk_free_bytes", gauge, "What the disk of the store has free.")
	diskSize      = one("relay_store_disk_bytes", gauge, "Size of the disk of the store.")
	storeFailed   = one("relay_store_failed", gauge, "1: the store has failed, and relay must be started again.")
	clockStands   = one("relay_clock_stands", gauge, "1: the clock is plainly wrong, and the books stand still.")

	jobDone     = one("relay_job_last_success_timestamp_seconds", gauge, "When a job last succeeded.", "job")
	jobNext     = one("relay_job_next_timestamp_seconds", gauge, "When a job is due next.", "job")
	jobFailed   = one("relay_job_failed", gauge, "1: the last run of a job failed.", "job")
	certificate = one("relay_certificate_expires_timestamp_seconds", gauge, "When the certificate of the listeners expires.")
)

// UpName is the metric that says whether the schedule has answered.
const UpName = "relay_delivery_schedule_up"

var families = []*family{build,
	intakeMessages, intakeRecipients, intakeBytes, refusals, connections, connectionsLimit, loginsWaiting, backMessages, backRefusals, backConnections,
	queueMessages, queueRecipients, queueBytes, queueOldest,
	attempts, latency, hops, hopsLimit, hopsWaiting, lanes, sites, scheduleUp, cameBack,
	commit, commitBatch, commitReruns, commitWaiting, storeFile, storeFree, diskFree, diskSize, storeFailed, clockStands,
	jobDone, jobNext, jobFailed, certificate}
