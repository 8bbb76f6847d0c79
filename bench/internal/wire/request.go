package wire

import "strconv"

// AppendGet appends a whole GET request.
func AppendGet(dst []byte, host, path string) []byte {
	return append(appendStart(dst, "GET ", host, path), "\r\n"...)
}

// AppendPostHead appends a POST request up to its body.
func AppendPostHead(dst []byte, host, path, contentType string, bodyBytes int) []byte {
	dst = appendStart(dst, "POST ", host, path)
	dst = append(dst, "Content-Type: "...)
	dst = append(dst, contentType...)
	dst = append(dst, "\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(bodyBytes), 10)
	return append(dst, "\r\n\r\n"...)
}

func appendStart(dst []byte, method, host, path string) []byte {
	dst = append(dst, method...)
	dst = append(dst, path...)
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	dst = append(dst, host...)
	return append(dst, "\r\nUser-Agent: bench\r\n"...)
}
