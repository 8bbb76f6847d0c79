package httpd

import "encoding/binary"

// A frame is the unit of the WebSocket protocol (RFC 6455). The server writes whole messages, one
// frame each, never masked; what is sent to many sessions is framed once, so a session's writes are
// plain copies of bytes.

// Kinds of frames.
const (
	frameContinuation = 0x0
	frameText         = 0x1
	frameBinary       = 0x2
	frameClose        = 0x8
	framePing         = 0x9
	framePong         = 0xA

	frameFinal  = 0x80 // In the first byte: the message ends here.
	frameMasked = 0x80 // In the second byte: a mask follows the length.

	frameControlMax = 125 // The longest payload of close, ping and pong.
)

// Close codes the server sends. 4008 and 4009 are its own.
const (
	closeGoingAway   = 1001
	closeProtocol    = 1002
	closeNoStatus    = 1005 // Never sent: a close frame without a code.
	closeInvalidText = 1007
	closePolicy      = 1008 // The client may not do that, or not without a key.
	closeTooBig      = 1009
	closeTryLater    = 1013
	closeSlow        = 4008 // Nothing was taken for too long.
	closeSilent      = 4009 // Nothing was heard for too long.
)

// frameRoom is what a payload that is built in place leaves free in front, for the longest header.
const frameRoom = 10

// frameStart begins a payload that sealFrame will turn into a frame, reusing buf.
func frameStart(buf []byte) []byte {
	var room [frameRoom]byte
	return append(buf[:0], room[:]...)
}

// sealFrame writes the header of a text frame in front of the payload that follows frameRoom bytes
// of buf, and returns the frame, which lies within buf.
func sealFrame(buf []byte) []byte {
	n := len(buf) - frameRoom
	switch {
	case n <= frameControlMax:
		buf[frameRoom-2], buf[frameRoom-1] = frameFinal|frameText, byte(n)
		return buf[frameRoom-2:]
	case n <= 0xFFFF:
		buf[frameRoom-4], buf[frameRoom-3] = frameFinal|frameText, 126
		binary.BigEndian.PutUint16(buf[frameRoom-2:], uint16(n))
		return buf[frameRoom-4:]
	default:
		buf[0], buf[1] = frameFinal|frameText, 127
		binary.BigEndian.PutUint64(buf[2:], uint64(n))
		return buf
	}
}

// appendControl appends a close, ping or pong frame, cutting a payload that is too long.
func appendControl(dst []byte, kind byte, payload []byte) []byte {
	payload = payload[:min(len(payload), frameControlMax)]
	return append(append(dst, frameFinal|kind, byte(len(payload))), payload...)
}

// appendClose appends a close frame with a code and a reason of at most 123 bytes.
func appendClose(dst []byte, code int, reason string) []byte {
	if code == closeNoStatus {
		return appendControl(dst, frameClose, nil)
	}
	payload := binary.BigEndian.AppendUint16(make([]byte, 0, frameControlMax), uint16(code))
	return appendControl(dst, frameClose, append(payload, reason...))
}
