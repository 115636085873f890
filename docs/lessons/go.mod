module github.com/hopline/hopline/docs/lessons

go 1.26.0
