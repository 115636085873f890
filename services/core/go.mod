module github.com/hopline/hopline/services/core

go 1.26.0

require github.com/hopline/hopline/pkg v0.0.0

replace github.com/hopline/hopline/pkg => ../../pkg
