module ftadvise

go 1.26.5
