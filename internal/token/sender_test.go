package token_test

import (
	"testing"

	"saltmine/internal/token"
)

func TestSender(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                "",
		"<>":              "",
		"<sam@x.example>": "sam@x.example",
		"SRS0=HHH=TT=x.example=sam@forwarder.example":                                "sam@x.example",
		"srs0+HHH=TT=x.example=sam@forwarder.example":                                "sam@x.example",
		"SRS0-HHH=TT=x.example=sam=odd@forwarder.example":                            "sam=odd@x.example",
		"SRS1=GGG=forwarder.example==HHH=TT=x.example=sam@second.example":            "sam@x.example",
		"SRS0=HHH=TT=x.example=prvs=0123abcdef=sam@forwarder.example":                "sam@x.example",
		"prvs=4123deadbe=sam@x.example":                                              "sam@x.example",
		"prvs=sam/4123deadbe@x.example":                                              "sam@x.example",
		"PRVS=4123deadbe=sam@x.example":                                              "sam@x.example",
		"prvs=marketing=sam@x.example":                                               "prvs=marketing=sam@x.example",
		"SRS0=HHH=TT=x.example@forwarder.example":                                    "SRS0=HHH=TT=x.example@forwarder.example",
		"SRS1=GGG=forwarder.example=@second.example":                                 "SRS1=GGG=forwarder.example=@second.example",
		"SRS0=HHH=TT==sam@forwarder.example":                                         "SRS0=HHH=TT==sam@forwarder.example",
		"SRS0=A=B=p=SRS0=A=B=q=SRS0=A=B=r=SRS0=A=B=s=SRS0=A=B=t=x@forwarder.example": "SRS0=A=B=t=x@s",
		"no address": "no address",
	} {
		if got := token.Sender(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestForwardedBy(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"<dana.w+caf_=inbox=example.net@gmail.com>":      "dana.w@gmail.com",
		"dana.w+caf_=inbox=x=example.net@googlemail.com": "dana.w@googlemail.com",
		"dana.w+caf@gmail.com":                           "", "+caf_=inbox=example.net@gmail.com": "", "dana.w+caf_=inbox@gmail.com": "", "dana.w+caf_=x=y": "", "": "",
	} {
		if got, ok := token.ForwardedBy(text); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v; want %q", text, got, ok, want)
		}
	}
}

func FuzzSender(f *testing.F) {
	for _, text := range []string{
		"<SRS0=H=T=x.example=sam@forwarder.example>", "SRS1=G=f.example==H=T=x.example=sam@second.example", "prvs=4123deadbe=sam@x.example", "prvs=sam/4123deadbe@x.example",
		"dana.w+caf_=inbox=example.net@gmail.com", "SRS0====@", "prvs==@", "SRS1=a=b==@c", "<<>>",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		sender := token.Sender(text)
		token.ForwardedBy(sender)
		if len(sender) > len(text) {
			t.Errorf("%q became %q", text, sender)
		}
	})
}
