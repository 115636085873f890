package console

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/hopline/hopline/lab/internal/lesson"
)

// addLessons registers the API of the lessons. A request names a lesson and a step by their numbers: no text of a page becomes a command.
func (c *Console) addLessons(mux *http.ServeMux) {
	if c.drives.Lessons == nil {
		return
	}
	mux.HandleFunc("GET /api/lessons", c.serveLessons)
	mux.HandleFunc("GET /api/lessons/{number}", c.serveLesson)
	mux.Handle("DELETE /api/lessons/{number}", c.driving(http.HandlerFunc(c.leaveLesson)))
	mux.Handle("POST /api/lessons/{number}/steps/{step}", c.driving(http.HandlerFunc(c.serveStep)))
	mux.Handle("POST /api/lessons/reset", c.driving(http.HandlerFunc(c.resetLessons)))
}

// lessonList is the response of /api/lessons.
type lessonList struct {
	Directory string           `json:"directory"` // of the learner's copy of the overlays
	Lessons   []lesson.Summary `json:"lessons"`
}

func (c *Console) serveLessons(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, lessonList{c.drives.Lessons.Directory(), c.drives.Lessons.List()})
}

func (c *Console) serveLesson(w http.ResponseWriter, r *http.Request) {
	number, err := numberOf(r, "number")
	if err != nil {
		writeLessonError(w, err)
		return
	}
	document, err := c.drives.Lessons.Document(number)
	if err != nil {
		writeLessonError(w, err)
		return
	}
	writeJSON(w, document)
}

func (c *Console) leaveLesson(w http.ResponseWriter, r *http.Request) {
	number, err := numberOf(r, "number")
	if err == nil {
		err = c.drives.Lessons.Leave(number)
	}
	writeDone(w, err)
}

func (c *Console) resetLessons(w http.ResponseWriter, _ *http.Request) {
	writeDone(w, c.drives.Lessons.Reset())
}

// serveStep does a step. Parameter do: "look" or "skip" in place of doing it.
func (c *Console) serveStep(w http.ResponseWriter, r *http.Request) {
	number, err := numberOf(r, "number")
	if err != nil {
		writeLessonError(w, err)
		return
	}
	step, err := numberOf(r, "step")
	if err != nil {
		writeLessonError(w, err)
		return
	}
	how := lesson.How(r.URL.Query().Get("do"))
	if how != lesson.Do && how != lesson.Look && how != lesson.Skip {
		writeError(w, http.StatusBadRequest, fmt.Errorf("do: want look, skip or nothing, got %.64q", how))
		return
	}
	outcome, err := c.drives.Lessons.Step(r.Context(), number, step, how)
	if err != nil {
		writeLessonError(w, err)
		return
	}
	writeJSON(w, outcome)
}

// numberOf returns a number in the path of a request. The error of an invalid number is an ErrNone: no lesson has it.
func numberOf(r *http.Request, name string) (int, error) {
	text := r.PathValue(name)
	number, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%s: want a number, got %.64q: %w", name, text, lesson.ErrNone)
	}
	return number, nil
}

func writeDone(w http.ResponseWriter, err error) {
	if err != nil {
		writeLessonError(w, err)
		return
	}
	writeJSON(w, struct{}{})
}

func writeLessonError(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, lesson.ErrNone):
		writeError(w, http.StatusNotFound, err)
	case errors.Is(err, lesson.ErrBusy), errors.Is(err, lesson.ErrOrder), errors.Is(err, lesson.ErrHere):
		writeError(w, http.StatusConflict, err)
	default:
		writeError(w, http.StatusUnprocessableEntity, err)
	}
}
