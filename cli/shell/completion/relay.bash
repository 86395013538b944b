# Completion of relay for bash. What can follow is asked of relay itself.
_relay() {
	local cur=${COMP_WORDS[COMP_CWORD]} text=${COMP_LINE:0:COMP_POINT} line
	local -a words
	read -ra words <<<"$text"
	[[ $text == *[[:space:]] ]] && words+=("")
	local last=${words[${#words[@]} - 1]}
	[[ $cur == [=:@] ]] && cur=
	[[ $last == *"$cur" ]] || cur=$last
	local before=${last%"$cur"} # what bash takes for words of their own
	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
		:file)
			compopt -o filenames 2>/dev/null
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			;;
		:dir)
			compopt -o filenames 2>/dev/null
			mapfile -t COMPREPLY < <(compgen -d -- "$cur")
			;;
		*)
			line=${line%%$'\t'*}
			COMPREPLY+=("${line#"$before"}")
			;;
		esac
	done < <("${words[0]}" complete "${words[@]:1}" 2>/dev/null)
}
complete -F _relay relay
