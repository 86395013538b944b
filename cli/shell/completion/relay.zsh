#compdef relay
# Completion of relay for zsh. What can follow is asked of relay itself.
_relay() {
	local line tab=$'\t'
	local -a found
	for line in "${(@f)$("${words[1]}" complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
		case $line in
		'') ;;
		:file) _files; return ;;
		:dir) _files -/; return ;;
		*$tab*) found+=("${${line%%$tab*}//:/\\:}:${line#*$tab}") ;;
		*) found+=("${line//:/\\:}") ;;
		esac
	done
	_describe -V relay found
}
if [[ ${funcstack[1]} == _relay ]]; then
	_relay "$@"
else
	compdef _relay relay
fi
