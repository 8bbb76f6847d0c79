package core

// NearestName returns the candidate with the fewest edits (insert, delete, replace, swap of
// neighbours) from name, or "" when the best needs more than three or as many as name is long.
// Error messages use it to suggest what was meant.
func NearestName(name string, candidates []string) string {
	best, bestEdits := "", min(4, len(name))
	for _, c := range candidates {
		if e := edits(name, c); e < bestEdits {
			best, bestEdits = c, e
		}
	}
	return best
}

func edits(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := above[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(replace, above[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
