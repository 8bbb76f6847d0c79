package httpd

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"path"

	"github.com/valyala/fasthttp"
)

// webFolder is where the page finds its files.
const webFolder = "/web/"

// pageFile is one embedded file, ready to be sent.
type pageFile struct {
	body        []byte
	contentType string
	tag         string // Value of the ETag header.
}

// pageTypes does not ask the machine, whose table may lack or change a type.
var pageTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
	".js": "text/javascript; charset=utf-8", ".json": jsonType,
	".txt": "text/plain; charset=utf-8",
	".md":  "text/plain; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png",
	".ico":   "image/x-icon",
	".woff2": "font/woff2",
}

// pagePolicy lets the page load nothing but its own files, talk to nobody but this server, and be
// shown in no frame of another page.
const pagePolicy = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'none'"

// loadPage reads the files of the page. index.html is the page itself.
func (s *Server) loadPage(files fs.FS) error {
	s.page = make(map[string]*pageFile)
	if files == nil {
		return nil
	}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		contentType := pageTypes[path.Ext(name)]
		setDefault(&contentType, "application/octet-stream")
		s.page[webFolder+name] = &pageFile{body, contentType, `"` + hex.EncodeToString(sum[:8]) + `"`}
		return nil
	})
	if index := s.page[webFolder+"index.html"]; index != nil {
		s.page["/"] = index
	}
	return err
}

// getPage answers with a file of the page. A browser that has it already is told so.
func (s *Server) getPage(ctx *fasthttp.RequestCtx) error {
	f := s.page[string(ctx.URI().PathOriginal())]
	if f == nil {
		return s.noRoute(string(ctx.URI().PathOriginal()))
	}
	h := &ctx.Response.Header
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", f.tag)
	if string(ctx.Request.Header.Peek("If-None-Match")) == f.tag {
		ctx.SetStatusCode(fasthttp.StatusNotModified)
		return nil
	}
	ctx.SetContentType(f.contentType)
	ctx.Response.SetBodyRaw(f.body)
	return nil
}
