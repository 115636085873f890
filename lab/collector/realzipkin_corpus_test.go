package collector

// spanBodies are request bodies, one idea each: $ is the trace's id, @ a time, % the prefix of the test's services.
func spanBodies() []string {
	return []string{
		``, `[]`, `[ ]`, ` []`, `{}`, `null`, `x`, `[`, `[{]`, `[{}]`, `[null]`, `[1]`, `[[]]`, `["a"]`,
		`[{"id":"1"}]`, `[{"traceId":"$"}]`, `[{"traceId":null,"id":"1"}]`, `[{"traceId":"$","id":null}]`, `[{"traceId":"$","id":"1"}]`,
		`[{"traceId":"$","id":"1"},]`, `[{"traceId":"$","id":"1"}`, `[{"traceId":"$","id":"1"}] and more`, `[{"traceId":"$","id":"1",}]`,
		`[{"traceId":"","id":"1"}]`, `[{"traceId":"$","id":""}]`, `[{"traceId":"g","id":"1"}]`, `[{"traceId":"ABCDEF","id":"1"}]`,
		`[{"traceId":"$","id":"G"}]`, `[{"traceId":"$","id":"12345678901234567"}]`, `[{"traceId":"$","id":"0000000000000000"}]`,
		`[{"traceId":"0","id":"1"}]`, `[{"traceId":"00000000000000000000000000000000","id":"1"}]`, `[{"traceId":"000000000000000000000000000000000","id":"1"}]`,
		`[{"traceId":"0000000000000000$","id":"1"}]`, `[{"traceId":"a$","id":"1"}]`, `[{"traceId":"463ac35c9f6413ad$","id":"1"}]`, `[{"traceId":"1463ac35c9f6413ad$","id":"1"}]`,
		`[{"traceId":"$","id":"1","parentId":""}]`, `[{"traceId":"$","id":"1","parentId":"0"}]`, `[{"traceId":"$","id":"1","parentId":"1"}]`, `[{"traceId":"$","id":"1","parentId":"x"}]`,
		`[{"traceId":"$","id":"1","parentId":null}]`, `[{"traceId":"$","id":"1","parentId":"12345678901234567"}]`, `[{"traceId":"$","id":"1","parentId":"00000000000000000"}]`,
		`[{"traceId":"$","id":1}]`, `[{"traceId":"$","id":true}]`, `[{"traceId":"$","id":["1"]}]`, `[{"traceId":"$","id":1.5}]`,
		`[{"traceId":"$","id":"1","kind":"CLIENT"}]`, `[{"traceId":"$","id":"1","kind":"client"}]`, `[{"traceId":"$","id":"1","kind":"LOCAL"}]`, `[{"traceId":"$","id":"1","kind":""}]`, `[{"traceId":"$","id":"1","kind":null}]`,
		`[{"traceId":"$","id":"1","name":""}]`, `[{"traceId":"$","id":"1","name":"GET /X"}]`, `[{"traceId":"$","id":"1","name":7}]`, `[{"traceId":"$","id":"1","name":{}}]`,
		`[{"traceId":"$","id":"1","name":"\u00c4\ud83d\ude00\n\"\\\/ <>&"}]`, `[{"traceId":"$","id":"1","name":"Ä😀"}]`, `[{"traceId":"$","id":"1","name":"\x"}]`, `[{"traceId":"$","id":"1","name":"\u12"}]`,
		`[{"traceId":"$","id":"1","timestamp":@}]`, `[{"traceId":"$","id":"1","timestamp":"@"}]`, `[{"traceId":"$","id":"1","timestamp":@.0}]`, `[{"traceId":"$","id":"1","timestamp":1.5}]`,
		`[{"traceId":"$","id":"1","timestamp":-1}]`, `[{"traceId":"$","id":"1","timestamp":"now"}]`, `[{"traceId":"$","id":"1","timestamp":1e3}]`, `[{"traceId":"$","id":"1","timestamp":99999999999999999999}]`, `[{"traceId":"$","id":"1","timestamp":01}]`,
		`[{"traceId":"$","id":"1","timestamp":true}]`, `[{"traceId":"$","id":"1","timestamp":null}]`, `[{"traceId":"$","id":"1","timestamp":""}]`,
		`[{"traceId":"$","id":"1","timestamp":@,"duration":0}]`, `[{"traceId":"$","id":"1","timestamp":@,"duration":-5}]`, `[{"traceId":"$","id":"1","timestamp":@,"duration":"12"}]`, `[{"traceId":"$","id":"1","timestamp":@,"duration":[]}]`,
		`[{"traceId":"$","id":"1","localEndpoint":{}}]`, `[{"traceId":"$","id":"1","localEndpoint":null}]`, `[{"traceId":"$","id":"1","localEndpoint":"a"}]`, `[{"traceId":"$","id":"1","localEndpoint":{"serviceName":""}}]`,
		`[{"traceId":"$","id":"1","localEndpoint":{"serviceName":"%Upper"}}]`, `[{"traceId":"$","id":"1","localEndpoint":{"serviceName":null,"port":80}}]`, `[{"traceId":"$","id":"1","localEndpoint":{"other":1}}]`,
		`[{"traceId":"$","id":"1","remoteEndpoint":{"ipv4":"192.168.0.1","port":8080}}]`, `[{"traceId":"$","id":"1","remoteEndpoint":{"ipv4":"999.1.1.1"}}]`, `[{"traceId":"$","id":"1","remoteEndpoint":{"ipv4":""}}]`,
		`[{"traceId":"$","id":"1","remoteEndpoint":{"ipv6":"2001:DB8::0:1"}}]`, `[{"traceId":"$","id":"1","remoteEndpoint":{"ipv6":"::ffff:1.2.3.4"}}]`, `[{"traceId":"$","id":"1","remoteEndpoint":{"ipv4":"2001:db8::c001"}}]`, `[{"traceId":"$","id":"1","remoteEndpoint":{"ipv6":"1.2.3.4"}}]`,
		`[{"traceId":"$","id":"1","remoteEndpoint":{"ipv6":"fe80::1%eth0"}}]`, `[{"traceId":"$","id":"1","remoteEndpoint":{"ipv6":"::1"}}]`, `[{"traceId":"$","id":"1","remoteEndpoint":{"ipv6":"::"}}]`, `[{"traceId":"$","id":"1","remoteEndpoint":{"ipv6":"2001:0:0:4:0:0:0:8"}}]`,
		`[{"traceId":"$","id":"1","remoteEndpoint":{"ipv6":"::1.2.3.4"}}]`, `[{"traceId":"$","id":"1","remoteEndpoint":{"ipv6":"::102:304"}}]`, `[{"traceId":"$","id":"1","remoteEndpoint":{"ipv6":"::ffff:102:304"}}]`, `[{"traceId":"$","id":"1","remoteEndpoint":{"ipv6":"2001:0:0:4:0:0:0:0"}}]`, `[{"traceId":"$","id":"1","remoteEndpoint":{"ipv6":"2001:1::"}}]`, `[{"traceId":"$","id":"1","remoteEndpoint":{"ipv6":"0:0:0:0:0:FFFF:1.2.3.4"}}]`, `[{"traceId":"$","id":"1","remoteEndpoint":{"ipv6":"64:ff9b::1.2.3.4"}}]`, `[{"traceId":"$","id":"1","remoteEndpoint":{"ipv6":"2001:0:1:0:1:0:1:0"}}]`,
		`[{"traceId":"$","id":"1","remoteEndpoint":{"port":0}}]`, `[{"traceId":"$","id":"1","remoteEndpoint":{"port":-1}}]`, `[{"traceId":"$","id":"1","remoteEndpoint":{"port":65535}}]`, `[{"traceId":"$","id":"1","remoteEndpoint":{"port":65536}}]`, `[{"traceId":"$","id":"1","remoteEndpoint":{"port":"80"}}]`, `[{"traceId":"$","id":"1","remoteEndpoint":{"port":"http"}}]`, `[{"traceId":"$","id":"1","remoteEndpoint":{"port":99999999999}}]`,
		`[{"traceId":"$","id":"1","annotations":[]}]`, `[{"traceId":"$","id":"1","annotations":[{"timestamp":2,"value":"b"},{"timestamp":1,"value":"c"},{"timestamp":2,"value":"a"},{"timestamp":2,"value":"b"}]}]`, `[{"traceId":"$","id":"1","annotations":[{"timestamp":2}]}]`, `[{"traceId":"$","id":"1","annotations":[{"value":"a"}]}]`,
		`[{"traceId":"$","id":"1","annotations":[null]}]`, `[{"traceId":"$","id":"1","annotations":null}]`, `[{"traceId":"$","id":"1","annotations":[{"timestamp":null,"value":"a"}]}]`, `[{"traceId":"$","id":"1","annotations":[{"timestamp":"3","value":4,"endpoint":{"a":[1,{}]}}]}]`, `[{"traceId":"$","id":"1","annotations":{}}]`,
		`[{"traceId":"$","id":"1","annotations":[{"timestamp":-7,"value":""}]}]`,
		`[{"traceId":"$","id":"1","tags":{}}]`, `[{"traceId":"$","id":"1","tags":null}]`, `[{"traceId":"$","id":"1","tags":{"b":"1","a":"2","":"3"}}]`, `[{"traceId":"$","id":"1","tags":{"a":null}}]`, `[{"traceId":"$","id":"1","tags":{"a":1.50}}]`, `[{"traceId":"$","id":"1","tags":{"a":true}}]`, `[{"traceId":"$","id":"1","tags":{"a":[]}}]`, `[{"traceId":"$","id":"1","tags":[]}]`, `[{"traceId":"$","id":"1","tags":{"a":"1","a":"2"}}]`,
		`[{"traceId":"$","id":"1","debug":true,"shared":true}]`, `[{"traceId":"$","id":"1","debug":false,"shared":false}]`, `[{"traceId":"$","id":"1","debug":"true"}]`, `[{"traceId":"$","id":"1","debug":1}]`, `[{"traceId":"$","id":"1","shared":null}]`, `[{"traceId":"$","id":"1","kind":"CLIENT","shared":true}]`,
		`[{"traceId":"$","id":"1","unknown":{"deep":[1,2,{"x":null,"y":true}]},"TraceId":"x"}]`, `[{"traceId":"$","id":"1","unknown":tru}]`, `[{"traceId":"$","id":"1","unknown":nul}]`, `[{"traceId":"$","id":"1" "name":"x"}]`, `[{"traceId" "$","id":"1"}]`, `[{"traceId":"$","id":"1"} {"traceId":"$","id":"2"}]`,
		`[{"traceId":"$","id":"1"},{"traceId":"$","id":"x"}]`, `[{"traceId":"$","id":"1","id":"2"}]`, `[{'traceId':'$','id':'1'}]`, `[{traceId:"$",id:"1"}]`, `[{"traceId":"$","id":"1","name":NaN}]`,
		`[{"traceId":"$","id":"1","binaryAnnotations":[]}]`, "[{\"traceId\":\"$\",\"id\":\"1\",\"name\":\"a\tb\"}]", "[{\"traceId\":\"$\",\"id\":\"1\",\"name\":\"\xff\xfe\"}]", "[\n\t{ \"traceId\" : \"$\" ,\r\n \"id\" : \"1\" }\n]\n",
	}
}

// wrongPaths are reads with parameters that are missing, empty, repeated or out of range, and some that are only unusual: $ is a time, %+ a
// service.
func wrongPaths() []string {
	return []string{
		"/api/v2/spans", "/api/v2/remoteServices", "/api/v2/autocompleteValues", "/api/v2/autocompleteValues?key=", "/api/v2/dependencies", "/api/v2/dependencies?endTs=", "/api/v2/dependencies?endTs=0",
		"/api/v2/dependencies?endTs=-1", "/api/v2/dependencies?endTs=x", "/api/v2/dependencies?endTs=1&lookback=0", "/api/v2/dependencies?endTs=1&lookback=x",
		"/api/v2/traces?endTs=0", "/api/v2/traces?endTs=-1", "/api/v2/traces?endTs=x", "/api/v2/traces?endTs=&serviceName=%+", "/api/v2/traces?lookback=0", "/api/v2/traces?lookback=x", "/api/v2/traces?limit=0", "/api/v2/traces?limit=-1", "/api/v2/traces?limit=x",
		"/api/v2/traces?limit=99999999999", "/api/v2/traces?minDuration=0", "/api/v2/traces?minDuration=-1", "/api/v2/traces?minDuration=x", "/api/v2/traces?maxDuration=5", "/api/v2/traces?minDuration=5&maxDuration=4", "/api/v2/traces?minDuration=5&maxDuration=-4",
		"/api/v2/traces?minDuration=&maxDuration=&lookback=9000&endTs=$", "/api/v2/traces?limit=&endTs=$", "/api/v2/traces?endTs=$&endTs=0&lookback=9000", "/api/v2/traces?endTs=$&lookback=&limit=1&serviceName=%+", "/api/v2/traces?endTs=$&lookback=9000&%zz",
		"/api/v2/trace/", "/api/v2/trace/x", "/api/v2/trace/ABC", "/api/v2/trace/0", "/api/v2/trace/1", "/api/v2/trace/%20" + "1", "/api/v2/trace/123456789012345678901234567890123", "/api/v2/trace/1/2",
		"/api/v2/traceMany", "/api/v2/traceMany?traceIds=", "/api/v2/traceMany?traceIds=1", "/api/v2/traceMany?traceIds=1,1", "/api/v2/traceMany?traceIds=1,0001", "/api/v2/traceMany?traceIds=1,x", "/api/v2/traceMany?traceIds=1,", "/api/v2/traceMany?traceIds=1,2",
		"/api/v2/nothing", "/api/v2", "/api/v2/services/",
	}
}
