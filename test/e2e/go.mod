module github.com/hopline/hopline/test/e2e

go 1.26.0
