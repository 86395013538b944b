# Postfix with Debian's opendkim as its milter: RSA of 2048 bits, relaxed/relaxed, the
# fields oversigned that relay does.
. peers/postfix.sh
eval "plain_$(declare -f peer_setup)
plain_$(declare -f peer_start)
plain_$(declare -f peer_stop)"

MILTER_PORT=8891

peer_setup() { # mode tuning
	plain_peer_setup "$@" || return 1
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$W/etc/dkim.key" 2>/dev/null || return 1
	cat >"$W/etc/opendkim.conf" <<-E
		Mode s
		Socket inet:$MILTER_PORT@127.0.0.1
		Domain src.test
		Selector s1
		KeyFile $W/etc/dkim.key
		Canonicalization relaxed/relaxed
		OversignHeaders From,To,Cc,Subject,Date,Reply-To,Message-ID,Content-Type,List-Unsubscribe,List-Unsubscribe-Post
		InternalHosts 127.0.0.0/8
		RequireSafeKeys false
		Syslog no
		Background no
		UserID root
	E
	cat >>"$W/etc/main.cf" <<-E
		smtpd_milters = inet:127.0.0.1:$MILTER_PORT
		milter_default_action = tempfail
	E
}
peer_start() {
	opendkim -x "$W/etc/opendkim.conf" >>"$W/out" 2>&1 &
	MILTER_PID=$!
	for _ in $(seq 100); do (: </dev/tcp/127.0.0.1/$MILTER_PORT) 2>/dev/null && break; sleep 0.05; done
	plain_peer_start
}
peer_stop() {
	plain_peer_stop
	stop_pid "${MILTER_PID:-}"
	MILTER_PID=''
}
