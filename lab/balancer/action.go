package balancer

import (
	"fmt"
	"html"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"usermanagement.dev/stack/lab/cloud"
)

// ServeHTTP does what the listener's default action says.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := f.settings.Load()
	action := s.listener.Actions[len(s.listener.Actions)-1]
	switch action.Type {
	case "redirect":
		redirect(w, r, s.listener, action)
	case "fixed-response":
		fixedResponse(w, action)
	default:
		g := s.groups[chosenGroup(action.Targets)]
		if g == nil {
			answer(w, http.StatusServiceUnavailable)
			return
		}
		g.forward(w, r, s)
	}
}

// chosenGroup picks a target group by weight.
func chosenGroup(targets []cloud.ForwardTarget) string {
	total := 0
	for _, t := range targets {
		total += t.Weight
	}
	if total == 0 {
		return ""
	}
	left := rand.IntN(total) //nolint:gosec // spreads load
	for _, t := range targets {
		if left -= t.Weight; left < 0 {
			return t.TargetGroupARN
		}
	}
	return ""
}

// redirect answers with the address that the action spells.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RedirectActionConfig.html
func redirect(w http.ResponseWriter, r *http.Request, l cloud.Listener, action cloud.Action) {
	host := r.Host
	if name, _, err := net.SplitHostPort(r.Host); err == nil {
		host = name
	}
	fill := strings.NewReplacer(
		"#{protocol}", l.Protocol, "#{port}", strconv.Itoa(l.Port), "#{host}", host,
		"#{path}", strings.TrimPrefix(r.URL.EscapedPath(), "/"), "#{query}", r.URL.RawQuery,
	)
	location := strings.ToLower(fill.Replace(action.Protocol)) + "://" + fill.Replace(action.Host) + ":" +
		fill.Replace(action.Port) + fill.Replace(action.Path)
	if query := fill.Replace(action.Query); query != "" {
		location += "?" + query
	}
	if _, err := url.Parse(location); err != nil {
		answer(w, http.StatusBadRequest)
		return
	}
	status, _ := strconv.Atoi(strings.TrimPrefix(action.StatusCode, "HTTP_"))
	w.Header().Set("Location", location)
	answer(w, status)
}

func fixedResponse(w http.ResponseWriter, action cloud.Action) {
	status, _ := strconv.Atoi(action.StatusCode)
	if action.ContentType != "" {
		w.Header().Set("Content-Type", action.ContentType)
	}
	w.Header().Set("Server", serverName)
	w.WriteHeader(status)
	_, _ = w.Write([]byte(action.Body))
}

// serverName is what a load balancer calls itself in its own answers.
const serverName = "awselb/2.0"

// titles are AWS's words where they are not those of net/http.
var titles = map[int]string{
	http.StatusServiceUnavailable: "Service Temporarily Unavailable", http.StatusGatewayTimeout: "Gateway Time-out",
}

// answer is a page of the load balancer's own.
func answer(w http.ResponseWriter, status int) {
	title := titles[status]
	if title == "" {
		title = http.StatusText(status)
	}
	title = html.EscapeString(fmt.Sprintf("%d %s", status, title))
	w.Header().Set("Content-Type", "text/html")
	w.Header().Set("Server", serverName)
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<html>\r\n<head><title>%s</title></head>\r\n<body>\r\n<center><h1>%s</h1></center>\r\n"+
		"</body>\r\n</html>\r\n", title, title)
}
