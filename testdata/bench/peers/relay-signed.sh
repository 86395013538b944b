# relay that signs with its host's key, RSA of 2048 bits.
. peers/relay.sh
eval "plain_$(declare -f peer_setup)"

peer_setup() { # mode tuning
	plain_peer_setup "$@" || return 1
	mkdir -p "$W/store/dkim"
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$W/store/dkim/relay202601.key" 2>/dev/null || return 1
	"$RELAY_BIN" --config "$W/relay.toml" account set load --service-signature on >>"$W/out" 2>&1
}
