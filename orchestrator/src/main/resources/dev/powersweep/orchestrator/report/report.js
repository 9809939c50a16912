// Draws every chart of the page. Values on log axes are plotted as their decimal logarithms on linear axes, because the
// library's own log axis labels whole decades alone, and a sweep often spans less than one.
(function () {
  'use strict';
  var INK = '#1b1f24', GRID = '#e3e7ec', QUIET = '#5a6472';
  var FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", "Liberation Sans", Arial, sans-serif';
  var charts = JSON.parse(document.getElementById('charts').textContent);
  var escapeHtml = echarts.format.encodeHTML;
  var SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';

  function superscript(n) {
    return (n < 0 ? '⁻' : '') + String(Math.abs(n)).split('').map(function (d) { return SUPERSCRIPTS[+d]; }).join('');
  }

  function trimmed(value, digits) {
    return String(+value.toPrecision(digits));
  }

  function format(value, ticks, digits) {
    if (value === 0) { return '0'; }
    if (ticks === 'PERCENT') { return trimmed(100 * value, digits).replace('-', '−') + ' %'; }
    if (ticks === 'POWERS') {
      var exponent = Math.floor(Math.log10(Math.abs(value)) + 1e-9);
      var mantissa = trimmed(value / Math.pow(10, exponent), digits);
      return (mantissa === '1' ? '' : mantissa + '·') + '10' + superscript(exponent);
    }
    if (ticks === 'SHORT_SCALE' && Math.abs(value) >= 1000) {
      var units = [[1e12, 'T'], [1e9, 'B'], [1e6, 'M'], [1e3, 'k']];
      for (var i = 0; i < units.length; i++) {
        if (Math.abs(value) >= units[i][0] * 0.99999) { return trimmed(value / units[i][0], digits) + units[i][1]; }
      }
    }
    if (Math.abs(value) >= 1e7 || Math.abs(value) < 1e-4) { return format(value, 'POWERS', digits); }
    return trimmed(value, digits).replace('-', '−');
  }

  function place(axis, value) {
    if (value === null) { return null; }
    return axis.scale === 'LOG' ? Math.log10(value) : value;
  }

  // Range of an axis over everything drawn on it, with a little room.
  function range(values) {
    var low = Infinity, high = -Infinity;
    values.forEach(function (v) {
      if (v !== null && isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); }
    });
    if (low > high) { return [0, 1]; }
    var room = high > low ? (high - low) * 0.045 : 0.1;
    return [low - room, high + room];
  }

  function linearTicks(low, high, wanted) {
    var raw = (high - low) / wanted;
    var power = Math.pow(10, Math.floor(Math.log10(raw)));
    var step = [1, 2, 5, 10].map(function (m) { return m * power; }).find(function (s) { return s >= raw; });
    var ticks = [];
    for (var k = Math.ceil(low / step); k * step <= high + step * 1e-9; k++) {
      ticks.push({ value: k * step, label: true });
    }
    return ticks;
  }

  // Ticks of a log axis in the values themselves: as fine as the span asks for.
  function logTicks(low, high, room) {
    var span = high - low;
    var perDecade = room / span;
    var ticks = [];
    if (span < 0.7) {
      return linearTicks(Math.pow(10, low), Math.pow(10, high), Math.max(3, Math.floor(room / 58)))
        .filter(function (t) { return t.value > 0; });
    }
    var labelled = perDecade > 330 ? [1, 2, 3, 5, 7] : perDecade > 170 ? [1, 2, 5] : perDecade > 100 ? [1, 3] : [1];
    var skip = Math.max(1, Math.ceil(46 / perDecade));
    for (var d = Math.floor(low); d <= Math.ceil(high); d++) {
      for (var m = 1; m < 10; m++) {
        var at = d + Math.log10(m);
        if (at >= low - 1e-9 && at <= high + 1e-9 && (m === 1 || perDecade > 40)) {
          ticks.push({ value: m * Math.pow(10, d), label: labelled.indexOf(m) >= 0 && (m > 1 || d % skip === 0), minor: m > 1 });
        }
      }
    }
    if (ticks.filter(function (t) { return t.label; }).length < 2) {
      ticks.forEach(function (t) { t.label = true; });
    }
    return ticks;
  }

  function ticksOf(axis, bounds, room) {
    return axis.scale === 'LOG' ? logTicks(bounds[0], bounds[1], room) : linearTicks(bounds[0], bounds[1], Math.max(3, Math.floor(room / 62)));
  }

  var SYMBOLS = { CIRCLE: 'circle', SQUARE: 'rect', TRIANGLE: 'triangle', DIAMOND: 'diamond', HOLLOW: 'emptyCircle' };
  var SIZES = { CIRCLE: 8, SQUARE: 7.5, TRIANGLE: 9, DIAMOND: 10, HOLLOW: 8 };
  var STROKES = {
    SOLID: { width: 2, type: 'solid', opacity: 1 },
    DASHED: { width: 1.8, type: [7, 4], opacity: 1 },
    DOTTED: { width: 1.8, type: [2, 3], opacity: 1 },
    THIN: { width: 1.3, type: 'solid', opacity: 0.8 },
    HAZE: { width: 0.7, type: 'solid', opacity: 0.13 },
    FAINT: { width: 1, type: 'solid', opacity: 0.45 }
  };

  // Grid lines, tick marks and tick labels in one silent series underneath.
  function backdrop(xTicks, yTicks, chart) {
    return {
      type: 'custom', silent: true, z: 0, data: [[0, 0]], clip: false, tooltip: { show: false },
      renderItem: function (params, api) {
        var box = params.coordSys, children = [];
        var right = box.x + box.width, bottom = box.y + box.height;
        xTicks.forEach(function (tick) {
          var x = Math.round(api.coord([place(chart.x, tick.value), 0])[0]) + 0.5;
          if (!tick.minor) { children.push({ type: 'line', shape: { x1: x, y1: box.y, x2: x, y2: bottom }, style: { stroke: GRID } }); }
          children.push({ type: 'line', shape: { x1: x, y1: bottom, x2: x, y2: bottom + (tick.label ? 5 : 3) }, style: { stroke: INK } });
          if (tick.label) {
            children.push({ type: 'text', style: { text: format(tick.value, chart.x.ticks, 4), x: x, y: bottom + 8, textAlign: 'center', textVerticalAlign: 'top', fill: INK, font: '12px ' + FONT } });
          }
        });
        yTicks.forEach(function (tick) {
          var y = Math.round(api.coord([0, place(chart.y, tick.value)])[1]) + 0.5;
          if (!tick.minor) { children.push({ type: 'line', shape: { x1: box.x, y1: y, x2: right, y2: y }, style: { stroke: GRID } }); }
          children.push({ type: 'line', shape: { x1: box.x - (tick.label ? 5 : 3), y1: y, x2: box.x, y2: y }, style: { stroke: INK } });
          if (tick.label) {
            children.push({ type: 'text', style: { text: format(tick.value, chart.y.ticks, 4), x: box.x - 8, y: y, textAlign: 'right', textVerticalAlign: 'middle', fill: INK, font: '12px ' + FONT } });
          }
        });
        children.push({ type: 'line', shape: { x1: box.x, y1: bottom, x2: right, y2: bottom }, style: { stroke: INK } });
        children.push({ type: 'line', shape: { x1: box.x, y1: box.y, x2: box.x, y2: bottom }, style: { stroke: INK } });
        return { type: 'group', children: children };
      }
    };
  }

  function band(series, chart) {
    var outline = series.x.map(function (x, i) { return [place(chart.x, x), place(chart.y, series.low[i]), place(chart.y, series.high[i])]; })
      .filter(function (p) { return p.every(function (v) { return v !== null && isFinite(v); }); });
    return {
      type: 'custom', name: series.name, silent: true, z: 1, data: outline.length ? [outline[0]] : [], clip: true, tooltip: { show: false },
      renderItem: function (params, api) {
        var points = outline.map(function (p) { return api.coord([p[0], p[1]]); })
          .concat(outline.slice().reverse().map(function (p) { return api.coord([p[0], p[2]]); }));
        return { type: 'polygon', shape: { points: points }, style: { fill: series.colour, opacity: series.opacity } };
      }
    };
  }

  function line(series, chart) {
    var stroke = STROKES[series.stroke];
    return {
      type: 'line', name: series.name, showSymbol: false, clip: true, z: series.stroke === 'FAINT' || series.stroke === 'HAZE' ? 2 : 3, silent: series.stroke === 'HAZE',
      animation: false, triggerLineEvent: true, emphasis: { focus: 'none', lineStyle: { width: stroke.width + 1 } },
      data: series.x.map(function (x, i) { return [place(chart.x, x), place(chart.y, series.y[i])]; }),
      lineStyle: { color: series.colour, width: stroke.width, type: stroke.type, opacity: stroke.opacity, join: 'round' },
      itemStyle: { color: series.colour }
    };
  }

  function points(series, chart) {
    return {
      type: 'scatter', name: series.name, clip: true, z: 4, symbol: SYMBOLS[series.symbol], symbolSize: SIZES[series.symbol],
      data: series.x.map(function (x, i) {
        return { value: [place(chart.x, x), place(chart.y, series.y[i])], name: series.labels[i] || '', at: [x, series.y[i]] };
      }),
      itemStyle: series.symbol === 'HOLLOW' ? { color: series.colour } : { color: series.colour, borderColor: INK, borderWidth: 0.6 }
    };
  }

  var DRAW = { band: band, line: line, points: points };

  function swatch(series) {
    var colour = escapeHtml(series.colour), inner;
    if (series.kind === 'band') {
      inner = '<rect width="18" height="10" y="1" fill="' + colour + '" opacity="' + Math.min(1, series.opacity * 1.6) + '"/>';
    } else if (series.kind === 'line') {
      var stroke = STROKES[series.stroke];
      inner = '<line x1="0" y1="6" x2="18" y2="6" stroke="' + colour + '" stroke-width="2.4" opacity="' + Math.max(stroke.opacity, 0.6) + '"' + (stroke.type === 'solid' ? '' : ' stroke-dasharray="' + stroke.type.join(' ') + '"') + '/>';
    } else {
      inner = {
        CIRCLE: '<circle cx="9" cy="6" r="4.2" fill="' + colour + '" stroke="' + INK + '" stroke-width="0.6"/>',
        SQUARE: '<rect x="5" y="2" width="8" height="8" fill="' + colour + '" stroke="' + INK + '" stroke-width="0.6"/>',
        TRIANGLE: '<path d="M9 1 L14 10 L4 10 Z" fill="' + colour + '" stroke="' + INK + '" stroke-width="0.6"/>',
        DIAMOND: '<path d="M9 0.5 L14 6 L9 11.5 L4 6 Z" fill="' + colour + '" stroke="' + INK + '" stroke-width="0.6"/>',
        HOLLOW: '<circle cx="9" cy="6" r="3.6" fill="#fff" stroke="' + colour + '" stroke-width="2"/>'
      }[series.symbol];
    }
    return '<svg width="18" height="12" aria-hidden="true">' + inner + '</svg>';
  }

  function legend(list, chart, drawn) {
    var seen = {};
    chart.series.forEach(function (series) {
      if (!series.name || seen[series.name]) { return; }
      seen[series.name] = true;
      var item = document.createElement('li'), button = document.createElement('button');
      button.type = 'button';
      button.setAttribute('aria-pressed', 'true');
      button.innerHTML = swatch(series);
      button.appendChild(document.createTextNode(series.name));
      button.addEventListener('click', function () {
        button.setAttribute('aria-pressed', button.getAttribute('aria-pressed') === 'true' ? 'false' : 'true');
        drawn.dispatchAction({ type: 'legendToggleSelect', name: series.name });
        scalable(drawn);
      });
      item.appendChild(button);
      list.appendChild(item);
    });
  }

  // With a view box the drawing shrinks to the width of paper.
  function scalable(drawn) {
    var svg = drawn.getDom().querySelector('svg');
    if (svg) { svg.setAttribute('viewBox', '0 0 ' + drawn.getWidth() + ' ' + drawn.getHeight()); }
  }

  function option(chart, width, height) {
    var xs = [], ys = [];
    chart.series.forEach(function (series) {
      series.x.forEach(function (x) { xs.push(place(chart.x, x)); });
      (series.kind === 'band' ? series.low.concat(series.high) : series.y).forEach(function (y) { ys.push(place(chart.y, y)); });
    });
    var xRange = range(xs), yRange = range(ys);
    var box = { right: 16, top: 12, bottom: 50 };
    var yTicks = ticksOf(chart.y, yRange, (height - box.top - box.bottom) * 1.4);
    var longest = Math.max.apply(null, yTicks.map(function (t) { return t.label ? format(t.value, chart.y.ticks, 4).length : 0; }));
    // A digit is some 7 pixels wide; the axis's name stands left of the longest number.
    var gap = Math.max(50, 18 + 7 * longest);
    box.left = gap + 16;
    var xTicks = ticksOf(chart.x, xRange, width - box.left - box.right);
    function axis(spec, bounds, gap) {
      return {
        type: 'value', min: bounds[0], max: bounds[1], name: spec.label, nameLocation: 'middle', nameGap: gap,
        nameTextStyle: { color: INK, fontSize: 12.5, fontFamily: FONT }, axisLabel: { show: false }, axisTick: { show: false },
        axisLine: { show: false }, splitLine: { show: false }, axisPointer: { show: false }
      };
    }
    return {
      animation: false, textStyle: { fontFamily: FONT }, grid: box,
      xAxis: axis(chart.x, xRange, 32), yAxis: axis(chart.y, yRange, gap),
      legend: { show: false },
      tooltip: {
        trigger: 'item', confine: true, borderColor: '#b7bfc9', textStyle: { color: INK, fontSize: 12.5, fontFamily: FONT },
        formatter: function (hit) {
          if (!hit.data || !hit.data.at) { return escapeHtml(hit.seriesName || ''); }
          return '<b>' + escapeHtml(hit.name || hit.seriesName) + '</b><br>' + escapeHtml(chart.x.label) + ': ' + escapeHtml(format(hit.data.at[0], chart.x.ticks, 5)) +
            '<br>' + escapeHtml(chart.y.label) + ': ' + escapeHtml(format(hit.data.at[1], chart.y.ticks, 5));
        }
      },
      series: [backdrop(xTicks, yTicks, chart)].concat(chart.series.map(function (series) { return DRAW[series.kind](series, chart); }))
    };
  }

  var all = [];
  document.querySelectorAll('[data-chart]').forEach(function (element) {
    var chart = charts[+element.getAttribute('data-chart')];
    var drawn = echarts.init(element, null, { renderer: 'svg' });
    function draw() {
      drawn.setOption(option(chart, drawn.getWidth(), drawn.getHeight()), true);
      scalable(drawn);
    }
    draw();
    legend(document.querySelector('[data-legend="' + element.getAttribute('data-chart') + '"]'), chart, drawn);
    all.push({ drawn: drawn, draw: draw, full: element.closest('figure.full') !== null });
  });

  var printing = false;
  // A4 holds two plots side by side, or a full one, narrower than a screen does: drawn anew for that, all letters are of
  // one legible size.
  var PRINTED = { half: 430, full: 880, share: 0.8 };
  function redraw(c, size) {
    c.drawn.resize(size);
    c.draw();
    c.drawn.getZr().flush();
    scalable(c.drawn);
  }
  window.addEventListener('beforeprint', function () {
    printing = true;
    all.forEach(function (c) { redraw(c, { width: c.full ? PRINTED.full : PRINTED.half, height: Math.round(PRINTED.share * c.drawn.getHeight()) }); });
  });
  window.addEventListener('afterprint', function () {
    printing = false;
    all.forEach(function (c) { redraw(c, { width: 'auto', height: 'auto' }); });
  });
  var waiting = 0;
  window.addEventListener('resize', function () {
    clearTimeout(waiting);
    waiting = setTimeout(function () {
      if (!printing) { all.forEach(function (c) { c.drawn.resize(); c.draw(); }); }
    }, 150);
  });
}());
