/** Scripts for shells: each asks `cloudai complete -- WORDS` for the candidates of the last word, one per line. */
export function script(shell: string): string {
  if (shell === 'bash') return BASH;
  return shell === 'zsh' ? ZSH : FISH;
}

const BASH = `# bash completion for cloudai: source <(cloudai completion bash)
_cloudai() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <(cloudai complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _cloudai cloudai`;

const ZSH = `#compdef cloudai
# zsh completion for cloudai: source <(cloudai completion zsh)
_cloudai() {
  local -a candidates
  local line
  while IFS= read -r line; do
    candidates+=("\${line%%$'\\t'*}:\${line#*$'\\t'}")
  done < <(cloudai complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#candidates} )); then _describe cloudai candidates; else _files; fi
}
compdef _cloudai cloudai`;

const FISH = `# fish completion for cloudai: cloudai completion fish | source
function __cloudai_complete
  set -l words (commandline -opc) (commandline -ct)
  cloudai complete -- $words[2..-1] 2>/dev/null
end
complete -c cloudai -f -a '(__cloudai_complete)'`;
