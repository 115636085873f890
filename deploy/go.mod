module github.com/hopline/hopline/deploy

go 1.26.0
