module github.com/hopline/hopline/test/conformance

go 1.26.0

require gonum.org/v1/gonum v0.16.0
