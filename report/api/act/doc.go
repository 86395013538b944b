// Package act is the frame of the service: what an act is, who asks for it, and how
// request and answer travel. The acts themselves lie beside it, by noun; package api
// puts them together.
//
//  1. A face (the command line, a program, later a page) fills in an act's request and
//     calls it. The client half of the act turns the request into HTTP.
//  2. The transport says who asks: an Actor in the request's context. The operator's
//     comes over relay.sock or from the same process, all others bring a token.
//  3. The handler refuses actors that the act is not for, decodes the request and calls
//     the act's function, which looks up what the request names within the actor's reach.
//  4. The answer is JSON; an error is a problem (RFC 9457) with a hint. An actor that
//     may not see a thing gets the answer that it gets for a thing which does not exist.
//
// Both halves read the same struct tags, so a request cannot mean one thing to the
// client and another to the server.
//
// Lists come in pages, so memory stays flat and no page holds the store for long. A
// stream that breaks off is an error for the client: it never takes a part for the whole.
package act
