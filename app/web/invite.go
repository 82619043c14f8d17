package web

import (
	"strings"

	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/users"
)

// InviteView is the page before an invitation of many.
type InviteView struct {
	BulkForm
	Plan auth.InvitePlan
	// Mail says that the links will be mailed.
	Mail bool
	// Changed says that the selection is no longer what the page before told.
	Changed bool
}

// listed is how many people a page names before it says how many more there are.
const listed = 20

// named are people's names as a line, and how many more there are.
func named(people []users.User) (line string, more int) {
	names := make([]string, 0, listed)
	for i := range people[:min(len(people), listed)] {
		names = append(names, people[i].Username)
	}
	return strings.Join(names, ", "), len(people) - len(names)
}

// Invitation is a person, the link that was made for them, and whether it went out by mail.
type Invitation struct {
	ID                    int64
	Username, Email, Link string
	Sent                  bool
}

// line is the invitation for the clipboard: cells of a spreadsheet that takes none of them for a formula.
func (i Invitation) line() string {
	return strings.Join(users.SafeCells(i.Username, i.Email, i.Link), "\t")
}

// InvitationsView is the page of the links, which is shown once.
type InvitationsView struct {
	Rows []Invitation
	// Mail says that the links were to be mailed.
	Mail bool
	// Back is the list that the people were chosen from.
	Back string
}

// HandOver are the invitations that did not go out by mail.
func (i InvitationsView) HandOver() []Invitation { return i.which(false) }

func (i InvitationsView) which(sent bool) []Invitation {
	var rows []Invitation
	for _, row := range i.Rows {
		if row.Sent == sent {
			rows = append(rows, row)
		}
	}
	return rows
}

// firstAct is the bulk action that the list offers first: inviting where it shows who has no password yet.
func (l UsersView) firstAct() users.BulkAction {
	if l.Query.State == users.StateInvited {
		return users.BulkInvite
	}
	return users.BulkActions[0]
}
