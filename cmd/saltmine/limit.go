package main

// oneMore is how many rows to ask for, so that a list that is cut is seen to be; 0 is all.
func oneMore(limit int) int {
	if limit <= 0 {
		return 0
	}
	return limit + 1
}

// newest cuts a list that was asked for with [oneMore] to its limit, and says so on
// standard error, where it does not get into what a program reads. It is never nil:
// an empty list is one.
func newest[T any](a *app, list []T, limit int) []T {
	if limit > 0 && len(list) > limit {
		a.say("these are the newest %d, and there are more: --limit N shows N of them, --limit 0 all", limit)
		list = list[:limit]
	}
	if list == nil {
		list = []T{}
	}
	return list
}
