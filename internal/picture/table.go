package picture

import (
	"fmt"
	"strings"
)

// Table writes the data of the picture as HTML tables, for those who cannot see it.
func (p Picture) Table() string {
	var b strings.Builder
	for i := range p.scenes {
		s := &p.scenes[i]
		fmt.Fprintf(&b, "<table class=\"picture\"><caption>%s</caption>\n", escape(s.title))
		for n, line := range s.table {
			b.WriteString("<tr>")
			for k, text := range line {
				switch {
				case n == 0:
					fmt.Fprintf(&b, `<th scope="col">%s</th>`, escape(text))
				case k == 0:
					fmt.Fprintf(&b, `<th scope="row">%s</th>`, escape(text))
				default:
					fmt.Fprintf(&b, "<td>%s</td>", escape(text))
				}
			}
			b.WriteString("</tr>\n")
		}
		for _, note := range s.notes {
			fmt.Fprintf(&b, "<tr><td colspan=\"%d\">%s</td></tr>\n", len(s.table[0]), escape(note))
		}
		b.WriteString("</table>\n")
	}
	return b.String()
}
