package tty

import "strings"

// plainInShell holds the characters besides letters and digits that a POSIX shell leaves as they are within a word.
const plainInShell = "-_./:=%"

// ShellWord returns text as one word for a POSIX shell, quoted where it is needed, for command lines that a reader copies.
func ShellWord(text string) string {
	special := strings.ContainsFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(plainInShell, r))
	})
	if text != "" && !special {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
